"""Documents that are made of the declarations are up to date."""

from pathlib import Path

from healthcheck import document
from healthcheck.check import State
from healthcheck.checks import all_checks

DOCS = Path(__file__).parents[2] / "docs"


def test_documents_are_current() -> None:
    assert (DOCS / "metrics.md").read_text() == document.metrics_page()
    health = (DOCS / "health.md").read_text()
    assert document.health_page(health) == health


def test_checks_are_complete() -> None:
    checks = {check.name: check for check in all_checks()}
    for check in checks.values():
        assert check.proves
        assert check.means
        assert check.weight in (State.UNHEALTHY, State.DEGRADED)
        assert 0 < check.timeout <= 10
        assert set(check.follows) <= set(checks)
