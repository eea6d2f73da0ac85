import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

import settings
from healthcheck.checks import backups

DAY = 24 * 3600


@pytest.fixture
def directory(environment: Mapping[str, str]) -> Path:
    directory = Path(environment["MAAS_ROOT"], "backups")
    directory.mkdir(parents=True)
    return directory


def backup(directory: Path, days_old: float, kind: str = "") -> None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - days_old * DAY))
    (directory / f"maas-backup-{stamp}{kind}.tar").touch()


def look(environment: Mapping[str, str], **variables: str) -> tuple[str, object]:
    configured = settings.load(
        {"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": "p-1", **variables}
    )
    target = check_run.target(environment, settings=configured)

    async def run() -> str:
        return check_run.reason(await backups.CHECK.make(target)())

    return asyncio.run(run()), target.readings.get("maas_backup_last_timestamp_seconds")


def test_a_young_one(environment: Mapping[str, str], directory: Path) -> None:
    backup(directory, 40)
    backup(directory, 3, "-without-images")
    reason, made = look(environment)
    assert reason == "passed"
    assert isinstance(made, float)
    assert abs(time.time() - 3 * DAY - made) < 60


def test_an_old_one(environment: Mapping[str, str], directory: Path) -> None:
    backup(directory, 40)
    for kind in ("-incomplete", "-before-restore"):
        backup(directory, 1, kind)
    assert look(environment)[0].startswith("the newest backup is 40 days old (docker compose")
    assert look(environment, MAAS_BACKUP_MAX_AGE_DAYS="50")[0] == "passed"
    assert look(environment, MAAS_BACKUP_MAX_AGE_DAYS="0")[0] == "passed"


def test_none_since_maas_was_installed(environment: Mapping[str, str], directory: Path) -> None:
    assert look(environment) == ("passed", None)
    identity = directory.with_name("maas_id")
    identity.touch()
    assert look(environment) == ("passed", None)
    os.utime(identity, (time.time() - 31 * DAY,) * 2)
    assert look(environment)[0].startswith("there is no backup, and MAAS is 31 days old")


def test_one_of_the_future_is_of_now(environment: Mapping[str, str], directory: Path) -> None:
    backup(directory, -400)
    _, made = look(environment)
    assert isinstance(made, float)
    assert made <= time.time()


def test_a_directory_that_is_not_there(environment: Mapping[str, str]) -> None:
    assert look(environment)[0].startswith("the backups cannot be looked at")
