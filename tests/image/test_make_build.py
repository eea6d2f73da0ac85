"""`make build`: which image Compose is told to build, which is refused, and one that is built."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from copied import OFFLINE, run
from engine import KNOWN, SOURCE, docker

BUILT = "truenas-maas-demo/maas:test-build"
EXACT = "1:3.6.2-17890-g.0123abc-0ubuntu1~24.04.1"

pytestmark = pytest.mark.skipif(SOURCE != "standin", reason="builds on the demo's base image")


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAAS_VERSION", "MAAS_PACKAGE_VERSION", "MAAS_IMAGE", "IMAGE_REVISION"):
        monkeypatch.delenv(name, raising=False)


def configuration(copy: Path, *environment: str) -> tuple[str, dict[str, str]]:
    """Return the image's name and the build's arguments, as Compose takes them."""
    shown = run(copy, "env", *environment, "docker", "compose", "config", "maas")
    assert shown.returncode == 0, shown.stdout
    maas = yaml.safe_load(shown.stdout)["services"]["maas"]
    return maas["image"], maas["build"]["args"]


@pytest.mark.parametrize("version", KNOWN)
def test_the_image_is_named_after_the_version(copy: Path, version: str) -> None:
    image, arguments = configuration(copy, f"MAAS_VERSION={version}")
    assert image == f"truenas-maas:{version}"
    assert arguments == {"MAAS_VERSION": version}


def test_the_environment_counts_before_the_file_and_the_file_before_the_default(copy: Path) -> None:
    assert configuration(copy)[0] == "truenas-maas:3.5"
    (copy / ".env").write_text("MAAS_VERSION=3.6\n")
    assert configuration(copy)[0] == "truenas-maas:3.6"
    assert configuration(copy, "MAAS_VERSION=3.7")[0] == "truenas-maas:3.7"
    assert configuration(copy, "MAAS_IMAGE=mine:1")[0] == "mine:1"


def test_an_exact_version_and_the_revision_are_passed(copy: Path) -> None:
    given = {"MAAS_PACKAGE_VERSION": EXACT, "IMAGE_REVISION": "0123abc"}
    _, arguments = configuration(copy, *(f"{name}={value}" for name, value in given.items()))
    assert arguments == {"MAAS_VERSION": "3.5"} | given


@pytest.mark.parametrize("command", [("scripts/build",), ("make", "build")])
def test_an_unknown_version_is_refused_before_the_engine_is_asked(
    copy: Path, command: tuple[str, ...]
) -> None:
    (copy / ".env").write_text("MAAS_VERSION=3.4\n")
    refused = run(copy, "env", "DOCKER_HOST=tcp://192.0.2.1:1", *command)
    assert refused.returncode == (2 if command[0] == "make" else 1)
    says = f"cannot build MAAS '3.4'\n  known versions: {', '.join(KNOWN)}\n"
    assert says in refused.stdout


@pytest.mark.parametrize("version", ["9.9", "3.5; id", "3.5\n3.6", "3", ".*", "-e", "../apt/3.5"])
def test_what_make_is_given_counts_and_is_taken_literally(copy: Path, version: str) -> None:
    (copy / ".env").write_text("MAAS_VERSION=3.5\n")
    refused = run(copy, "env", f"MAAS_VERSION={version}", "make", "build")
    assert refused.returncode == 2
    assert "cannot build MAAS '" in refused.stdout
    assert "building" not in refused.stdout


@pytest.fixture
def built(project: Path) -> Iterator[str]:
    (project / ".env").write_text(f"{OFFLINE}MAAS_IMAGE={BUILT}\n")
    yield BUILT
    docker("image", "rm", BUILT, check=False)


def test_the_image_has_the_commit_of_what_it_is_built_from(
    image: str, project: Path, built: str
) -> None:
    git = ("git", "-C", str(project), "-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=test"], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    made = run(project, "make", "build", "MAAS_VERSION=3.5")
    assert made.returncode == 0, made.stdout
    assert f"build: building {built} with MAAS 3.5" in made.stdout
    assert "to run it" not in made.stdout
    labels = json.loads(docker("inspect", built))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == commit


def test_who_builds_what_env_does_not_name_is_told(image: str, project: Path, built: str) -> None:
    newest = KNOWN[-1]
    with (project / ".env").open("a") as file:
        file.write(f"BASE_IMAGE=truenas-maas-demo/base:{newest}\n")
    made = run(project, "make", "build", f"MAAS_VERSION={newest}")
    assert made.returncode == 0, made.stdout
    assert f"to run it, set MAAS_VERSION={newest} in .env" in made.stdout
