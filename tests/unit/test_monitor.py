import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.check import Check, Failure, Target
from healthcheck.monitor import Monitor, Run
from healthcheck.verdict import Result


def check(run: Run, timeout: float = 1.0) -> Check:
    def make(_target: Target) -> Callable[[], Awaitable[Failure | None]]:
        return run

    return Check("sample", "samples work", 0.05, timeout, make)


def watch(environment: Mapping[str, str], sample: Check, done: bool = True) -> Monitor:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    report = {"state": "done" if done else "running", "steps": [], "versions": {}}
    Path(target.run, "init.json").write_text(json.dumps(report))
    monitor = Monitor([sample], target)

    async def run() -> None:
        task = asyncio.create_task(monitor.watch())
        await asyncio.sleep(0.3)
        task.cancel()

    asyncio.run(run())
    return monitor


def test_a_check_runs_again_and_again(environment: Mapping[str, str]) -> None:
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1

    monitor = watch(environment, check(run))
    assert runs > 2
    assert str(monitor.verdict()) == "healthy: 1 checks passed"
    assert "samples work" in monitor.table(monitor.verdict())


def test_a_check_that_hangs_has_failed(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        await asyncio.sleep(60)

    monitor = watch(environment, check(run, timeout=0.1))
    assert str(monitor.verdict()) == "starting: sample: no answer within 0 s"


def test_a_check_with_a_mistake_has_failed(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        raise ZeroDivisionError

    assert "ZeroDivisionError" in str(watch(environment, check(run)).verdict())


def test_what_was_well_once_is_unhealthy_later(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        pass

    monitor = watch(environment, check(run))
    assert monitor.verdict().good
    monitor.results.clear()
    monitor.results["sample"] = Result(Failure("gone"), 0.1, time.monotonic())
    assert str(monitor.verdict()) == "unhealthy: sample: gone"


def test_nothing_is_checked_before_init_is_done(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        raise AssertionError

    monitor = watch(environment, check(run), done=False)
    assert monitor.results == {}
    assert str(monitor.verdict()) == "starting: beginning"


def test_a_change_of_the_state_is_announced_once(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthcheck.monitor.ANNOUNCE_SECONDS", 0.01)

    async def run() -> None:
        pass

    sample = check(run)
    monitor = watch(environment, sample)
    said: list[str] = []

    async def changes() -> None:
        task = asyncio.create_task(monitor.announce(said.append))
        for failure in (None, Failure("gone"), Failure("still gone"), None):
            monitor.results["sample"] = Result(failure, 0.1, time.monotonic())
            await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(changes())
    assert said == [
        "healthy: 1 checks passed",
        "unhealthy: sample: gone",
        "healthy: 1 checks passed",
    ]
