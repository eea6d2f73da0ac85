"""The resident monitor: runs every check on its own period and keeps the last result."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from healthcheck import init_report
from healthcheck.check import Check, Failure, Target
from healthcheck.init_report import InitReport
from healthcheck.verdict import Result, State, Verdict, judge

ANNOUNCE_SECONDS = 5.0

Run = Callable[[], Awaitable[Failure | None]]


class Monitor:
    """Runs checks side by side; none overlaps itself, and one that hangs has failed."""

    def __init__(self, checks: list[Check], target: Target) -> None:
        self.checks = checks
        self.results: dict[str, Result] = {}
        self.on_result: Callable[[Check, Result], None] = lambda check, result: None
        self._was_good = False
        self._target = target
        self._init_path: Path = target.run / "init.json"

    def init(self) -> InitReport:
        """Return what init says of itself now."""
        return init_report.read(self._init_path)

    async def watch(self) -> None:
        """Run all checks for ever."""
        await asyncio.gather(*(self._repeat(check) for check in self.checks))

    def verdict(self) -> Verdict:
        """Judge what is known now.

        Before all was well for the first time it is still starting, and what fails first says
        enough.
        """
        init = self.init()
        verdict = judge(init, self.checks, self.results, time.monotonic())
        if verdict.good:
            self._was_good = True
        elif init.state == "done" and not self._was_good:
            return Verdict(State.STARTING, verdict.reasons[:1])
        return verdict

    def line(self, verdict: Verdict) -> str:
        """Return a verdict in one line, which says so where MAAS itself is stood in for."""
        standin = " (with a stand-in for MAAS)" if self.init().source == "standin" else ""
        return f"{verdict}{standin}"

    async def announce(self, say: Callable[[str], None]) -> None:
        """Say for ever when the state has changed: afterwards the log is all that tells.

        What passes within seconds is not worth a line, such as the end of the container.
        """
        announced = seen = State.STARTING
        while True:
            verdict = self.verdict()
            if verdict.state is seen and seen not in (announced, State.STARTING):
                announced = seen
                say(self.line(verdict))
            seen = verdict.state
            await asyncio.sleep(ANNOUNCE_SECONDS)

    def table(self, verdict: Verdict) -> str:
        """Return a verdict and each check's last result, for people."""
        now = time.monotonic()
        lines = [self.line(verdict)]
        for check in self.checks:
            result = self.results.get(check.name)
            if result is None:
                lines.append(f"  {check.name:<12} no result yet     {check.proves}")
                continue
            word = "ok" if result.failure is None else "FAILED"
            text = result.failure.reason if result.failure else check.proves
            took = f"{result.seconds * 1000:.0f} ms, {now - result.at:.0f} s ago"
            lines.append(f"  {check.name:<12} {word:<6} {took:<18} {text}")
        return "\n".join(lines)

    async def _repeat(self, check: Check) -> None:
        run = check.make(self._target)
        while True:
            # Before init is done nothing is there that could be checked.
            if self.init().state == "done":
                result = await _timed(check, run)
                self.results[check.name] = result
                self.on_result(check, result)
                failed = result.failure is not None
                # After a failure sooner, so that a start is noticed when it is complete.
                await asyncio.sleep(min(check.period, 2.0) if failed else check.period)
            else:
                self.results.pop(check.name, None)
                self._was_good = False
                await asyncio.sleep(0.5)


async def _timed(check: Check, run: Run) -> Result:
    begun = time.monotonic()
    try:
        failure = await asyncio.wait_for(run(), check.timeout)
    except asyncio.TimeoutError:  # not the built-in TimeoutError before Python 3.11
        failure = Failure(f"no answer within {check.timeout:.0f} s")
    except Exception as error:
        failure = Failure(f"the check itself failed: {error!r}")
    now = time.monotonic()
    return Result(failure, now - begun, now)
