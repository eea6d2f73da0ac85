"""`make up`, on the offline base: a project of its own, from a copy of the repository."""

import re
import stat
import subprocess
from pathlib import Path

import pytest
from copied import OFFLINE, PROJECT, run
from engine import docker


def make_env(copy: Path) -> dict[str, str]:
    subprocess.run([copy / "scripts/make-env"], check=True, capture_output=True)
    lines = (copy / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_passwords_are_new_good_and_private(copy: Path) -> None:
    made = make_env(copy)
    assert stat.S_IMODE((copy / ".env").stat().st_mode) == 0o600
    passwords = {made["MAAS_ADMIN_PASSWORD"], made["POSTGRES_PASSWORD"]}
    assert len(passwords) == 2
    assert all(re.fullmatch("[A-Za-z0-9]{24}", password) for password in passwords)
    assert re.fullmatch(r"http://[\d.]+:5240/MAAS", made["MAAS_URL"])
    before = (copy / ".env").read_text()
    again = subprocess.run([copy / "scripts/make-env"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "cannot make .env: it exists" in again.stderr
    assert (copy / ".env").read_text() == before


@pytest.mark.parametrize("with_curl", [True, False])
def test_an_archive_out_of_reach_is_named(image: str, copy: Path, with_curl: bool) -> None:
    make_env(copy)
    with (copy / ".env").open("a") as file:
        file.write("BASE_IMAGE=registry.invalid/none\n")
    if not with_curl:
        (copy / "scripts/image.sh").write_text(
            (copy / "scripts/image.sh").read_text().replace("command -v curl", "command -v no-curl")
        )
    # the engine has a socket; all else is out of reach
    up = run(copy, "unshare", "--net", "make", "up")
    assert up.returncode != 0
    assert "cannot build the image of MAAS" in up.stdout
    assert "not reachable from here: https://ppa.launchpadcontent.net/maas/" in up.stdout
    assert "make demo" in up.stdout


def test_up_on_the_offline_base(image: str, project: Path) -> None:
    made = make_env(project)
    with (project / ".env").open("a") as file:
        file.write(OFFLINE)
    up = run(project, "make", "up")
    assert up.returncode == 0, up.stdout
    assert "up: healthy after" in up.stdout
    assert "http://maas:5240/MAAS/" in up.stdout
    assert made["MAAS_ADMIN_PASSWORD"] not in up.stdout
    assert made["POSTGRES_PASSWORD"] not in up.stdout
    log = docker("logs", f"{PROJECT}-maas-1")
    assert "created admin" in log
    # rsyslog listens before regiond logs
    assert log.index("| rsyslog starts") < log.index("| regiond starts")
    again = run(project, "make", "up")
    assert again.returncode == 0, again.stdout
