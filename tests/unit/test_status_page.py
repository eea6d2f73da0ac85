import json
import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import check_run

from healthcheck.check import Check, Failure, State
from healthcheck.monitor import Monitor
from healthcheck.status_page import StatusPage, duration
from healthcheck.supervisor_client import Program
from healthcheck.verdict import Result

REPORT = {
    "state": "done",
    "steps": [{"name": "migrate", "state": "done", "seconds": 38.7}],
    "versions": {"maas": "3.5.13+standin", "postgresql": "15.20 (Debian)"},
    "finished": 1,
}


def render(environment: Mapping[str, str], failure: Failure | None) -> str:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    Path(target.run, "init.json").write_text(json.dumps(REPORT))
    check = Check(
        "dns", "named answers", "no names", State.UNHEALTHY, 10, 5, lambda _: NotImplemented
    )
    monitor = Monitor([check], target)
    monitor.results["dns"] = Result(failure, 0.1, time.monotonic())
    target.programs.latest = [
        Program("regiond", "RUNNING", "", int(time.time()) - 7200, 0, restarts=4),
        Program("squid", "BACKOFF", "", 1, 1),
    ]
    return StatusPage(monitor, target).render(monitor.verdict()).decode()


class Resources(HTMLParser):
    """Collects what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on")
            if name in ("src", "href", "action"):
                self.addresses.add(value or "")


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page.partition("</style>")[2]))


def test_it_tells_all_at_a_glance(environment: Mapping[str, str]) -> None:
    text = text_of(render(environment, None))
    for words in (
        "MAAS is healthy",
        "no machine can be managed",
        "dns ok",
        "regiond running 2 h 4",
        "squid backoff",
        "migrate done 38.7 s",
        "MAAS 3.5.13+standin",
        "PostgreSQL 15.20",
    ):
        assert words in text


def test_a_failure_is_told_without_what_is_not_for_everybody(
    environment: Mapping[str, str],
) -> None:
    page = render(environment, Failure("no answer <b>", "/var/lib/maas at 192.0.2.1", "do this"))
    assert "MAAS is unhealthy" in page
    assert "no answer &lt;b&gt; (do this)" in page
    assert "no names" in page
    assert "192.0.2.1" not in page
    assert "/var/lib" not in page


def test_nothing_is_fetched_and_no_script_runs(environment: Mapping[str, str]) -> None:
    resources = Resources()
    resources.feed(render(environment, None))
    assert not resources.tags & {"script", "link", "img", "iframe", "form", "object"}
    assert resources.addresses == {"/metrics"}


def test_durations() -> None:
    assert [duration(s) for s in (-1, 119, 120, 7200, 3 * 86400)] == [
        "0 s",
        "119 s",
        "2 min",
        "2 h",
        "3 days",
    ]
