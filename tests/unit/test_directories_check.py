import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.check import Failure, Target
from healthcheck.checks import directories


@pytest.fixture
def made(environment: Mapping[str, str], tmp_path: Path) -> Target:
    target = check_run.target(environment, proxy_cache=tmp_path / "cache")
    for path in (
        *(target.data / "certificates", target.data / "image-storage", target.run, target.log),
        *(target.dns, target.proxy, target.http, target.temporal, target.syslog),
        target.proxy_cache,
    ):
        path.mkdir(parents=True)
    return target


def look(target: Target) -> Failure | None:
    async def run() -> Failure | None:
        return await directories.CHECK.make(target)()

    return asyncio.run(run())


def test_all_is_well_and_measured(made: Target) -> None:
    assert look(made) is None
    free, size = (made.readings[f"maas_directory_{what}_bytes"] for what in ("free", "size"))
    assert isinstance(free, dict)
    assert isinstance(size, dict)
    assert set(free) == set(size) == {"data", "log", "proxy_cache", "run", "tmp"}
    assert 0 < free["data"] < size["data"]


def test_a_directory_that_is_gone(made: Target) -> None:
    os.rename(made.http, made.data / "elsewhere")
    failure = look(made)
    assert str(failure).startswith(f"a directory below data is missing: {made.http}")
    assert failure
    assert not failure.degrades
    assert str(made.data) not in failure.public


def test_the_volume_itself_is_gone(made: Target) -> None:
    os.rename(made.data, made.data.with_name("elsewhere"))
    assert check_run.reason(look(made)).startswith("data cannot be written: ")


def test_logs_are_not_vital(made: Target) -> None:
    made.log.rmdir()
    failure = look(made)
    assert failure
    assert failure.degrades
    assert failure.reason == "log cannot be written"


def test_little_is_free(made: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "LEAST_FREE_MB", 10**9)
    failure = look(made)
    assert failure
    assert failure.degrades
    assert "MB are free for data" in failure.reason
