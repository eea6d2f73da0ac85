"""docker-bake.hcl as bake understands it; nothing is built."""

import json
import os
import re
import subprocess
from typing import Any

from engine import KNOWN, ROOT

REPOSITORY = "ghcr.io/truenas-maas/truenas-maas"


def bake(**variables: str) -> dict[str, Any]:
    """Return the targets of all versions, with some variables and the defaults of the others."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    shown = subprocess.run(
        ["docker", "buildx", "bake", "--file", "docker-bake.hcl", "--print"],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    targets = json.loads(shown.stdout)["target"].values()
    return {target["args"]["MAAS_VERSION"]: target for target in targets}


def test_each_known_version_is_built_for_both_processors() -> None:
    targets = bake()
    assert sorted(targets) == KNOWN
    for version, target in targets.items():
        assert target["platforms"] == ["linux/amd64", "linux/arm64"]
        assert target["tags"] == [f"{REPOSITORY}:{version}"]
        assert target["labels"]["org.opencontainers.image.version"] == version
        assert target["args"]["MAAS_PACKAGE_VERSION"] == ""


def test_a_release() -> None:
    exact = "1:3.6.2-1-g.0~24.04.1"
    variables = {
        "REPOSITORY": "ghcr.io/Somebody/MAAS",
        "SOURCE": "https://github.com/Somebody/MAAS",
        "IMAGE_REVISION": "0123abc",
        "RELEASE": "v1.2.0",
        "MAAS_PACKAGE_VERSION_3_6": exact,
    }
    targets = bake(**variables)
    # names of images are never in capitals
    assert targets["3.6"]["tags"] == [
        "ghcr.io/somebody/maas:3.6-v1.2.0",
        "ghcr.io/somebody/maas:3.6",
    ]
    assert targets["3.6"]["labels"] == {
        "org.opencontainers.image.source": "https://github.com/Somebody/MAAS",
        "org.opencontainers.image.version": "3.6-v1.2.0",
    }
    arguments = {version: target["args"] for version, target in targets.items()}
    assert {a["IMAGE_REVISION"] for a in arguments.values()} == {"0123abc"}
    packages = {version: a["MAAS_PACKAGE_VERSION"] for version, a in arguments.items()}
    assert packages == dict.fromkeys(KNOWN, "") | {"3.6": exact}


def test_the_dockerfile_has_each_argument_and_each_stage() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    arguments = set(re.findall(r"^ARG (\w+)", dockerfile, re.M))
    for version, target in bake().items():
        assert set(target["args"]) <= arguments
        assert re.search(rf"^FROM ubuntu:\S+ AS maas-{re.escape(version)}$", dockerfile, re.M)


def test_whoever_names_a_published_image_names_one_that_is() -> None:
    tags = {tag for target in bake().values() for tag in target["tags"]}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if name.endswith((".yaml", ".yml", ".md", ".json", ".example")):
            for image in re.findall(r"ghcr\.io/[\w./-]*\w:[\w.-]*\w", (ROOT / name).read_text()):
                assert image in tags, name
