import asyncio
import dataclasses
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck import views
from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.monitor import START_SECONDS, Monitor
from healthcheck.verdict import Result


def check(run: Run, timeout: float = 1.0) -> Check:
    def make(_target: Target) -> Run:
        return run

    return Check("sample", "samples work", "nothing", State.UNHEALTHY, 0.05, timeout, make)


def watch(
    environment: Mapping[str, str],
    sample: Check,
    done: bool = True,
    finished: float = 0,
    until: asyncio.Event | None = None,
) -> Monitor:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    report = {
        "state": "done" if done else "running",
        "steps": [],
        "versions": {},
        "finished": finished or time.time(),
    }
    Path(target.run, "init.json").write_text(json.dumps(report))
    monitor = Monitor([sample], target)

    async def run() -> None:
        task = asyncio.create_task(monitor.watch())
        await (asyncio.wait_for(until.wait(), 60) if until else asyncio.sleep(0.3))
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
    assert "samples work" in views.table(monitor, monitor.verdict())


def test_a_check_that_hangs_has_failed(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        await asyncio.sleep(60)

    monitor = watch(environment, check(run, timeout=0.1))
    assert str(monitor.verdict()) == "starting: sample: no answer within 0 s"
    assert not monitor.started


def test_what_never_worked_is_starting_for_a_while_only(environment: Mapping[str, str]) -> None:
    async def run() -> Failure:
        return Failure("gone")

    monitor = watch(environment, check(run), finished=time.time() - START_SECONDS - 1)
    assert str(monitor.verdict()) == "unhealthy: sample: gone"
    assert monitor.started


def test_a_check_that_does_not_end_is_not_run_twice_at_once(
    environment: Mapping[str, str],
) -> None:
    running = most = runs = 0

    async def run() -> None:
        nonlocal running, most, runs
        runs += 1
        running += 1
        most = max(most, running)
        for _ in range(2):  # as a library that goes on for a while when it is cancelled
            try:
                await asyncio.sleep(0.08)
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                break
        running -= 1

    monitor = watch(environment, check(run, timeout=0.02))
    assert (most, runs > 1) == (1, True)
    assert "no answer" in str(monitor.verdict())


def test_a_check_with_a_mistake_has_failed(environment: Mapping[str, str]) -> None:
    async def run() -> None:
        raise ZeroDivisionError

    assert "ZeroDivisionError" in str(watch(environment, check(run)).verdict())


def test_what_fails_while_starting_is_looked_at_again_before_its_period_is_over(
    environment: Mapping[str, str],
) -> None:
    well = asyncio.Event()
    failures = iter([Failure("not yet"), Failure("not yet")])

    async def run() -> Failure | None:
        if failure := next(failures, None):
            return failure
        well.set()
        return None

    monitor = watch(environment, dataclasses.replace(check(run), period=3600.0), until=well)
    assert monitor.verdict().good


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


def test_a_volume_that_hangs_holds_up_nothing_else(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    """A FIFO without a writer in the place of a file: whoever opens it waits."""
    fifo = tmp_path / "hangs"
    os.mkfifo(fifo)
    thread = Thread()
    threads = []

    async def run() -> None:
        threads.append(threading.active_count())
        await thread.run(fifo.read_bytes)

    begun = time.monotonic()
    monitor = watch(environment, check(run, timeout=0.05))
    assert time.monotonic() - begun < 2
    fifo.write_bytes(b"")  # lets it go
    assert "no answer" in str(monitor.verdict())
    assert len(threads) > 2
    assert max(threads) == threads[1]
