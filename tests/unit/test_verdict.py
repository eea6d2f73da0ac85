from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.init_report import InitReport, Step
from healthcheck.verdict import Result, judge

DONE = InitReport("done", "")


def make(_target: Target) -> Run:
    raise NotImplementedError


def check(name: str, weight: State, *follows: str) -> Check:
    return Check(name, "it works", "it does not", weight, 10.0, 5.0, make, follows)


CHECKS = [
    check("api", State.UNHEALTHY, "database"),
    check("database", State.UNHEALTHY),
    check("proxy", State.DEGRADED),
]
GOOD = {check.name: Result(None, 0.01, 100.0) for check in CHECKS}


def failed(reason: str, degrades: bool = False) -> Result:
    return Result(Failure(reason, degrades=degrades), 0.01, 100.0)


def test_all_passed() -> None:
    verdict = judge(DONE, CHECKS, GOOD, 101.0)
    assert str(verdict) == "healthy: 3 checks passed"
    assert verdict.good


def test_the_worst_comes_first() -> None:
    results = GOOD | {"api": failed("slow", degrades=True), "database": failed("gone")}
    verdict = judge(DONE, CHECKS, results, 101.0)
    assert str(verdict) == "unhealthy: database: gone; api: slow"
    assert not verdict.good


def test_what_follows_from_something_else_comes_after_it() -> None:
    results = {name: failed("gone") for name in GOOD}
    verdict = judge(DONE, CHECKS, results, 101.0)
    assert str(verdict) == "unhealthy: database: gone; api: gone; proxy: gone"


def test_addresses_paths_and_words_of_errors_are_not_for_everybody() -> None:
    failure = Failure("no answer", "connection to 192.0.2.1 failed", "ask somebody")
    verdict = judge(DONE, CHECKS, GOOD | {"database": Result(failure, 0.1, 100.0)}, 101.0)
    assert str(verdict).endswith("no answer: connection to 192.0.2.1 failed (ask somebody)")
    assert verdict.public == "unhealthy: database: no answer (ask somebody)"


def test_degraded_is_healthy_for_docker() -> None:
    verdict = judge(DONE, CHECKS, GOOD | {"proxy": failed("off")}, 101.0)
    assert verdict.state is State.DEGRADED
    assert verdict.good


def test_a_check_that_hangs_has_failed() -> None:
    verdict = judge(DONE, CHECKS, GOOD, 126.0)
    assert verdict.state is State.UNHEALTHY
    assert "no result for 26 s" in str(verdict)


def test_a_stale_check_weighs_what_it_weighs() -> None:
    stale = Result(None, 0.01, 60.0)
    assert judge(DONE, CHECKS, GOOD | {"proxy": stale}, 101.0).state is State.DEGRADED


def test_before_init_is_done_it_says_what_init_does() -> None:
    verdict = judge(InitReport("running", "migrate: 3 of 381"), CHECKS, GOOD, 101.0)
    assert str(verdict) == "starting: migrate: 3 of 381"
    assert not verdict.good
    failed = InitReport("failed", "cannot reach 192.0.2.1", steps=(Step("database", "failed", 1),))
    verdict = judge(failed, CHECKS, GOOD, 101.0)
    assert str(verdict) == "unhealthy: init: cannot reach 192.0.2.1"
    assert verdict.public.startswith("unhealthy: init failed in its step database")


def test_before_the_first_results_it_is_starting() -> None:
    assert judge(DONE, CHECKS, {}, 101.0).state is State.STARTING
    results = {"database": failed("gone")}
    assert judge(DONE, CHECKS, results, 101.0).state is State.UNHEALTHY
    results = {"proxy": failed("off")}
    assert judge(DONE, CHECKS, results, 101.0).state is State.STARTING
