from collections.abc import Awaitable, Callable

from healthcheck.check import Check, Failure, Target
from healthcheck.init_report import InitReport
from healthcheck.verdict import Result, State, judge

DONE = InitReport("done", "")


def make(_target: Target) -> Callable[[], Awaitable[Failure | None]]:
    raise NotImplementedError


CHECKS = [Check(name, "it works", 10.0, 5.0, make) for name in ("api", "database", "proxy")]
GOOD = {check.name: Result(None, 0.01, 100.0) for check in CHECKS}


def failed(reason: str, degrades: bool = False) -> Result:
    return Result(Failure(reason, degrades), 0.01, 100.0)


def test_all_passed() -> None:
    verdict = judge(DONE, CHECKS, GOOD, 101.0)
    assert str(verdict) == "healthy: 3 checks passed"
    assert verdict.good


def test_the_worst_comes_first() -> None:
    results = GOOD | {"api": failed("slow", degrades=True), "database": failed("gone")}
    verdict = judge(DONE, CHECKS, results, 101.0)
    assert str(verdict) == "unhealthy: database: gone; api: slow"
    assert not verdict.good


def test_degraded_is_healthy_for_docker() -> None:
    verdict = judge(DONE, CHECKS, GOOD | {"proxy": failed("off", degrades=True)}, 101.0)
    assert verdict.state is State.DEGRADED
    assert verdict.good


def test_a_check_that_hangs_has_failed() -> None:
    verdict = judge(DONE, CHECKS, GOOD, 126.0)
    assert verdict.state is State.UNHEALTHY
    assert "no result for 26 s" in str(verdict)


def test_before_init_is_done_it_says_what_init_does() -> None:
    verdict = judge(InitReport("running", "migrate: 3 of 381"), CHECKS, GOOD, 101.0)
    assert str(verdict) == "starting: migrate: 3 of 381"
    assert not verdict.good
    assert judge(InitReport("failed", "cannot x"), CHECKS, GOOD, 101.0).state is State.UNHEALTHY


def test_before_the_first_results_it_is_starting() -> None:
    assert judge(DONE, CHECKS, {}, 101.0).state is State.STARTING
    results = {"database": failed("gone")}
    assert judge(DONE, CHECKS, results, 101.0).state is State.UNHEALTHY
    results = {"proxy": failed("off", degrades=True)}
    assert judge(DONE, CHECKS, results, 101.0).state is State.STARTING
