"""The verdict: what the results of all checks come to."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from healthcheck.check import Check, Failure
from healthcheck.init_report import InitReport


class State(enum.Enum):
    """What Docker, Prometheus and people are told."""

    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Result:
    """The last result of a check. `at` is a time of the monotonic clock, in seconds."""

    failure: Failure | None
    seconds: float
    at: float


@dataclass(frozen=True)
class Verdict:
    """The state, and why, the worst first."""

    state: State
    reasons: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether the container counts as healthy."""
        return self.state in (State.HEALTHY, State.DEGRADED)

    def __str__(self) -> str:
        return f"{self.state.value}: {'; '.join(self.reasons)}"


def judge(
    init: InitReport, checks: list[Check], results: Mapping[str, Result], now: float
) -> Verdict:
    """Judge the results; one that is older than its check may take counts as failed."""
    if init.state == "failed":
        return Verdict(State.UNHEALTHY, (f"init: {init.doing}",))
    if init.state == "running":
        return Verdict(State.STARTING, (init.doing,))
    failures: list[tuple[bool, str]] = []
    waiting = []
    for check in checks:
        result = results.get(check.name)
        if result is None:
            waiting.append(check.name)
        elif now - result.at > 2 * check.period + check.timeout:
            failures.append((False, f"{check.name}: no result for {now - result.at:.0f} s"))
        elif result.failure:
            failures.append((result.failure.degrades, f"{check.name}: {result.failure.reason}"))
    failures.sort(key=lambda failure: failure[0])
    reasons = tuple(text for _, text in failures)
    if failures and not failures[0][0]:
        return Verdict(State.UNHEALTHY, reasons)
    if waiting:
        return Verdict(State.STARTING, (f"no result yet of {', '.join(waiting)}",))
    if failures:
        return Verdict(State.DEGRADED, reasons)
    return Verdict(State.HEALTHY, (f"{len(checks)} checks passed",))
