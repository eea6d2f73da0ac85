"""What the Dockerfile resolves to for each version, with other images in the place of Ubuntu's.

Nothing here reaches an archive: Ubuntu's images and the keys are given as contexts of those names.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from engine import CA_BUNDLE, ROOT, SOURCE, docker

# facts/maas-versions.md 1.1, by the release that stands in for each here (tests/standin).
RELEASES = {"3.5": ("22.04", "jammy"), "3.6": ("24.04", "noble"), "3.7": ("24.04", "noble")}
BASES = {"22.04": "bookworm", "24.04": "trixie"}
PINS = ROOT / "apt/postgresql.pref"
NAME = "maas-test-archives"
FINGERPRINTS = {
    "maas": "3AB6DCF1F234E78DAA9C104204E7FDC5684D4A1C",  # Launchpad's of ~maas
    "postgresql": "B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8",  # apt.postgresql.org's
}

pytestmark = pytest.mark.skipif(SOURCE != "standin", reason="needs the demo's base images")


def build(directory: Path, target: str, **arguments: str) -> subprocess.CompletedProcess[str]:
    """Build a stage as it resolves without arguments of an offline build."""
    keys = directory / "keys"
    keys.mkdir()
    for name in FINGERPRINTS:
        (keys / f"{name}.asc").write_text(f"the key {name}\n")
    contexts = {
        f"ubuntu:{u}": f"docker-image://truenas-maas-demo/debian:{d}" for u, d in BASES.items()
    }
    build = {
        "context": str(ROOT),
        "target": target,
        "args": arguments,
        "additional_contexts": contexts | {"keys": str(keys)},
        "secrets": ["ca-bundle"],
    }
    document = {
        "services": {"it": {"image": NAME, "build": build}},
        "secrets": {"ca-bundle": {"file": CA_BUNDLE}},
    }
    file = directory / "compose.json"
    file.write_text(json.dumps(document))
    return subprocess.run(
        ["docker", "compose", "--progress=plain", "--file", str(file), "build"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def test_every_version_has_its_row() -> None:
    assert set(RELEASES) == {file.stem for file in (ROOT / "apt").glob("*.sources")}


@pytest.mark.parametrize("version", RELEASES)
def test_a_version_picks_its_ubuntu_release_and_its_archive(tmp_path: Path, version: str) -> None:
    release, codename = RELEASES[version]
    built = build(tmp_path, "archives", MAAS_VERSION=version)
    assert built.returncode == 0, built.stdout
    show = ("cat", "/etc/os-release", "/etc/apt/sources.list.d/maas.sources")
    text = docker("run", "--rm", "--network=none", NAME, *show)
    pins = ("cat", "/etc/apt/preferences.d/postgresql.pref")
    assert docker("run", "--rm", "--network=none", NAME, *pins) == PINS.read_text()
    docker("rmi", NAME)
    assert f"VERSION_CODENAME={BASES[release]}" in text
    sources = text[text.index("Types: deb") :]
    uris = [line.removeprefix("URIs: ") for line in sources.splitlines() if "URIs: " in line]
    assert uris == [
        f"http://ppa.launchpadcontent.net/maas/{version}/ubuntu",
        "http://apt.postgresql.org/pub/repos/apt",
    ]
    suites = re.findall("^Suites: (.*)$", sources, re.MULTILINE)
    assert suites == [codename, f"{codename}-pgdg"]
    signers = re.findall("^Signed-By: (.*)$", sources, re.MULTILINE)
    assert signers == [f"/usr/share/keyrings/{n}.asc {f}" for n, f in FINGERPRINTS.items()]


def test_the_keys_are_in_every_version(tmp_path: Path) -> None:
    assert build(tmp_path, "maas-3.7").returncode == 0
    show = ("cat", "/usr/share/keyrings/maas.asc", "/usr/share/keyrings/postgresql.asc")
    assert (
        docker("run", "--rm", "--network=none", NAME, *show) == "the key maas\nthe key postgresql\n"
    )
    docker("rmi", NAME)


def test_a_package_version_that_there_is_not_is_no_other_one(tmp_path: Path) -> None:
    built = build(
        tmp_path,
        "maas",
        BASE_IMAGE="truenas-maas-demo/base:3.5",
        APT_SOURCES="demo/standin.sources",
        MAAS_PACKAGE_VERSION="3.5.0+standin",
    )
    assert built.returncode != 0
    assert "Version '3.5.0+standin' for 'maas-region-api' was not found" in built.stdout


def test_of_postgresqls_archive_the_client_alone_is_taken(tmp_path: Path) -> None:
    """As apt itself reads the pins: of an archive of that name, here one of empty packages."""
    archive = tmp_path / "archive"
    archive.mkdir()
    names = ("postgresql-client", "libpq5", "python3-psycopg2")
    entry = "Package: {}\nVersion: 99\nArchitecture: amd64\nFilename: ./x\nSize: 1\n\n"
    (archive / "Packages").write_text("".join(map(entry.format, names)))
    (archive / "Release").write_text("Origin: apt.postgresql.org\nSuite: bookworm-pgdg\n")
    script = f"""
        echo 'deb [trusted=yes] file:/archive ./' >/etc/apt/sources.list.d/pgdg.list
        apt-get -qq update && apt-cache policy {" ".join(names)} | grep Candidate:"""
    volumes = (
        f"--volume={archive}:/archive:ro",
        f"--volume={PINS}:/etc/apt/preferences.d/x.pref:ro",
    )
    image = "truenas-maas-demo/debian:bookworm"
    said = docker("run", "--rm", *volumes, image, "sh", "-ec", script)
    client, libpq, psycopg = (line.split()[1] for line in said.splitlines()[-3:])
    assert (client, libpq) == ("99", "99")
    assert psycopg.startswith("2.")


def test_no_archive_is_trusted_without_its_key() -> None:
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        assert not re.search("apt-key|add-apt-repository|allow-unauthenticated|trusted=yes", line)
    for file in (ROOT / "apt").glob("*.sources"):
        text = file.read_text()
        assert text.count("Signed-By: /usr/share/keyrings/") == text.count("Types: deb")
        assert "Trusted" not in text
