"""The resident monitor: runs every check on its own period and keeps the last result."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from healthcheck import init_report
from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.init_report import InitReport
from healthcheck.verdict import Finding, Result, Verdict, findings, judge

ANNOUNCE_SECONDS = 5.0
# What does not work that long after init is not starting any more.
START_SECONDS = 300.0
# After a failure, so that a start is noticed when it is complete, and later an end of the failure.
RETRY_WHILE_STARTING_SECONDS = 0.5
RETRY_SECONDS = 2.0


class Monitor:
    """Runs checks side by side; none overlaps itself, and one that hangs has failed."""

    def __init__(self, checks: list[Check], target: Target) -> None:
        self.checks = checks
        self.results: dict[str, Result] = {}
        self.on_result: list[Callable[[Check, Result], None]] = []
        self._was_good = False
        self._target = target
        self._init_path: Path = target.run / "init.json"
        self._init = init_report.read(self._init_path)
        self._init_version: tuple[int, ...] = ()

    def init(self) -> InitReport:
        """Return what init says of itself now."""
        try:
            status = os.stat(self._init_path)
        except OSError:
            version: tuple[int, ...] = ()
        else:
            version = (status.st_ino, status.st_mtime_ns)
        if version != self._init_version or not version:
            self._init, self._init_version = init_report.read(self._init_path), version
        return self._init

    async def watch(self) -> None:
        """Run all checks for ever."""
        await asyncio.gather(*(self._repeat(check) for check in self.checks))

    async def run_once(self) -> None:
        """Run all checks once, unless init is not done."""
        if self.init().state == "done":
            await asyncio.gather(
                *(self._run(check, check.make(self._target)) for check in self.checks)
            )

    def findings(self) -> list[Finding]:
        """Return what is known of each check now."""
        return findings(self.checks, self.results, time.monotonic())

    @property
    def started(self) -> bool:
        """Whether all was well once since init, or should have been by now."""
        init = self.init()
        long_ago = time.time() - init.finished > START_SECONDS
        return init.state == "done" and (self._was_good or long_ago)

    def verdict(self) -> Verdict:
        """Judge what is known now.

        Before all was well for the first time it is still starting, and what fails first says
        enough.
        """
        init = self.init()
        verdict = judge(init, self.checks, self.results, time.monotonic())
        if verdict.good:
            self._was_good = True
        elif init.state == "done" and not self.started:
            return Verdict(State.STARTING, verdict.reasons[:1])
        return verdict

    async def announce(self, say: Callable[[str], None]) -> None:
        """Say for ever when the state has changed: afterwards the log is all that tells.

        What passes within seconds is not worth a line, such as the end of the container.
        """
        announced = seen = State.STARTING
        while True:
            verdict = self.verdict()
            if verdict.state is seen and seen not in (announced, State.STARTING):
                announced = seen
                say(f"{verdict}{self.standin}")
            seen = verdict.state
            await asyncio.sleep(ANNOUNCE_SECONDS)

    @property
    def standin(self) -> str:
        """What must be said behind a verdict where MAAS itself is stood in for."""
        return " (with a stand-in for MAAS)" if self.init().source == "standin" else ""

    async def _repeat(self, check: Check) -> None:
        run = check.make(self._target)
        while True:
            # Before init is done nothing is there that could be checked.
            if self.init().state == "done":
                result = await self._run(check, run)
                await asyncio.sleep(self._soon(check) if result.failure else check.period)
            else:
                self.results.pop(check.name, None)
                self._was_good = False
                await asyncio.sleep(0.5)

    def _soon(self, check: Check) -> float:
        """Return after how many seconds a check that has failed runs again."""
        if not self.started:
            return min(check.period, RETRY_WHILE_STARTING_SECONDS)
        return min(check.period, max(RETRY_SECONDS, check.period / 10))

    async def _run(self, check: Check, run: Run) -> Result:
        """Run a check, and wait for its end even when it has failed by then."""
        begun = time.monotonic()
        task = asyncio.ensure_future(run())
        await asyncio.wait({task}, timeout=check.timeout)
        if task.done():
            failure = _outcome(task)
        else:
            failure = Failure(f"no answer within {check.timeout:.0f} s")
            task.cancel()
        now = time.monotonic()
        result = Result(failure, now - begun, now)
        self.results[check.name] = result
        for note in self.on_result:
            note(check, result)
        await asyncio.wait({task})
        return result


def _outcome(task: "asyncio.Future[Failure | None]") -> Failure | None:
    try:
        return task.result()
    except (Exception, asyncio.CancelledError) as error:
        return Failure("the check itself failed", repr(error))
