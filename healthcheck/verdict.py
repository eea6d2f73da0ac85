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


def failure_of(check: Check, result: Result, now: float) -> Failure | None:
    """Return why a check counts as failed: so does one that has had no result for too long."""
    age = now - result.at
    if age > 2 * check.period + check.timeout:
        return Failure(f"no result for {age:.0f} s", mend="supervisorctl restart healthcheck")
    return result.failure


def judge(
    init: InitReport, checks: list[Check], results: Mapping[str, Result], now: float
) -> Verdict:
    """Judge the results, at a time of the monotonic clock."""
    if init.state == "failed":
        return Verdict(State.UNHEALTHY, (Reason(f"init: {init.doing}", init.public),))
    if init.state == "running":
        return Verdict(State.STARTING, (Reason(init.doing, init.public),))
    waiting = [check.name for check in checks if check.name not in results]
    failed = [
        (check, failure)
        for check in checks
        if check.name in results and (failure := failure_of(check, results[check.name], now))
    ]
    names = {check.name for check, _ in failed}

    def rank(entry: tuple[Check, Failure]) -> tuple[bool, bool]:
        check, failure = entry
        degrades = failure.degrades or check.weight is State.DEGRADED
        return degrades, any(name in names for name in check.follows)

    failed.sort(key=rank)
    reasons = tuple(
        Reason(f"{check.name}: {failure}", f"{check.name}: {failure.public}")
        for check, failure in failed
    )
    if failed and not rank(failed[0])[0]:
        return Verdict(State.UNHEALTHY, reasons)
    if waiting:
        return _simple(State.STARTING, f"no result yet of {', '.join(waiting)}")
    if failed:
        return Verdict(State.DEGRADED, reasons)
    return _simple(State.HEALTHY, f"{len(checks)} checks passed")


def _simple(state: State, text: str) -> Verdict:
    return Verdict(state, (Reason(text, text),))
