"""The verdict: what the results of all checks come to."""

from collections.abc import Mapping
from dataclasses import dataclass

from healthcheck.check import Check, Failure, State
from healthcheck.init_report import InitReport


@dataclass(frozen=True)
class Result:
    """The last result of a check. `at` is a time of the monotonic clock, in seconds."""

    failure: Failure | None
    seconds: float
    at: float


@dataclass(frozen=True)
class Reason:
    """Why the state is as it is: in full, and as it may be shown to everybody."""

    text: str
    public: str


@dataclass(frozen=True)
class Verdict:
    """The state, and why, the worst first."""

    state: State
    reasons: tuple[Reason, ...]

    @property
    def good(self) -> bool:
        """Whether the container counts as healthy."""
        return self.state in (State.HEALTHY, State.DEGRADED)

    def __str__(self) -> str:
        return f"{self.state.value}: {'; '.join(reason.text for reason in self.reasons)}"

    @property
    def public(self) -> str:
        """What may be shown to everybody."""
        return f"{self.state.value}: {'; '.join(reason.public for reason in self.reasons)}"


@dataclass(frozen=True)
class Finding:
    """What is known of a check now: its last result, how old that is in seconds, why it failed."""

    check: Check
    result: Result | None
    age: float
    failure: Failure | None

    @property
    def degrades(self) -> bool:
        """Whether a failure of it leaves the container healthy."""
        lighter = self.failure is not None and self.failure.degrades
        return lighter or self.check.weight is State.DEGRADED


def findings(checks: list[Check], results: Mapping[str, Result], now: float) -> list[Finding]:
    """Return what is known of each check at a time of the monotonic clock.

    One that has had no result for too long counts as failed.
    """
    return [_finding(check, results.get(check.name), now) for check in checks]


def _finding(check: Check, result: Result | None, now: float) -> Finding:
    if result is None:
        return Finding(check, None, 0, None)
    age = now - result.at
    if age > 2 * check.period + check.timeout:
        reason = f"no result for {age:.0f} s"
        stale = Failure(reason, mend="supervisorctl restart healthcheck")
        return Finding(check, result, age, stale)
    return Finding(check, result, age, result.failure)


def judge(
    init: InitReport, checks: list[Check], results: Mapping[str, Result], now: float
) -> Verdict:
    """Judge the results, at a time of the monotonic clock."""
    if init.state == "failed":
        return Verdict(State.UNHEALTHY, (Reason(f"init: {init.doing}", init.public),))
    if init.state == "running":
        return Verdict(State.STARTING, (Reason(init.doing, init.public),))
    found = findings(checks, results, now)
    waiting = [finding.check.name for finding in found if finding.result is None]
    failed = [finding for finding in found if finding.failure]
    names = {finding.check.name for finding in failed}
    failed.sort(key=lambda f: (f.degrades, not names.isdisjoint(f.check.follows)))
    reasons = tuple(
        Reason(f"{f.check.name}: {f.failure}", f"{f.check.name}: {f.failure.public}")
        for f in failed
        if f.failure
    )
    if failed and not failed[0].degrades:
        return Verdict(State.UNHEALTHY, reasons)
    if waiting:
        return _simple(State.STARTING, f"no result yet of {', '.join(waiting)}")
    if failed:
        return Verdict(State.DEGRADED, reasons)
    return _simple(State.HEALTHY, f"{len(checks)} checks passed")


def _simple(state: State, text: str) -> Verdict:
    return Verdict(state, (Reason(text, text),))
