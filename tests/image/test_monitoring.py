"""Profile `monitoring`: a real Prometheus that scrapes the real monitor."""

import contextlib
import json
import re
import urllib.parse
import urllib.request
from typing import Any

from engine import PROJECT, Container
from eventually import eventually
from monitoring_files import alerts, dashboard_queries, selectors, with_bool


def ask(path: str, **query: str) -> Any:
    address = Container(f"{PROJECT}-prometheus-1").port(9090)
    url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)["data"]


def without_data(queries: list[str]) -> list[str]:
    return [query for query in queries if not ask("query", query=query)["result"]]


def all_return_data(queries: list[str], seconds: float = 90) -> None:
    """Check that each query returns data, soon at least: rates need two scrapes."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: not without_data(queries), seconds)
    assert without_data(queries) == []


def test_the_target_is_up(maas: Container) -> None:
    def target() -> tuple[str, str, str]:
        (target,) = ask("targets")["activeTargets"]
        return target["scrapeUrl"], target["health"], target["lastError"]

    eventually(lambda: target() == ("http://maas:9568/metrics", "up", ""), 60)


def test_what_it_scraped_can_be_asked_for(maas: Container) -> None:
    healthy = 'maas_health{state="healthy"} == 1'
    eventually(lambda: len(ask("query", query=healthy)["result"]) == 1, 60)


def test_it_evaluates_every_alert_rule(maas: Container) -> None:
    def health() -> dict[str, tuple[str, str]]:
        (group,) = ask("rules", type="alert")["groups"]
        return {
            rule["name"]: (rule["health"], rule.get("lastError", "")) for rule in group["rules"]
        }

    expected = {alert["alert"]: ("ok", "") for alert in alerts()}
    eventually(lambda: health() == expected, 60)


def test_every_query_of_the_alerts_returns_data(maas: Container) -> None:
    """Each selector by itself, and each expression, whose comparisons answer with 0 or 1."""
    expressions = [alert["expr"] for alert in alerts()]
    asked = {text for expression in expressions for text, _, _ in selectors(expression)}
    all_return_data([*sorted(asked), *map(with_bool, expressions)])


def test_every_query_of_the_dashboard_returns_data(maas: Container) -> None:
    """All but one do so by themselves: the age of the newest backup needs a backup."""
    maas.run("maas-init", "backup", "--without-images")
    all_return_data(dashboard_queries(), 150)  # the check of backups comes once a minute


def test_every_command_of_the_alerts_can_be_run(maas: Container) -> None:
    texts = [" ".join(alert["annotations"]["description"].split()) for alert in alerts()]
    commands = {
        command.replace("{{ $labels.program }}", "squid")
        for text in texts
        for command in re.findall(r"`docker compose exec maas ([^`]+)`", text)
    }
    assert "supervisorctl status squid" in commands
    for command in sorted(commands):
        said = maas.run("sh", "-c", f"{command}; echo status $?", check=False)
        assert said.splitlines()[-1] == "status 0", f"{command}: {said}"


def test_prometheus_holds_no_privilege_and_is_healthy(maas: Container) -> None:
    prometheus = Container(f"{PROJECT}-prometheus-1")
    eventually(lambda: prometheus.inspect("{{.State.Health.Status}}") == "healthy", 60)
    assert prometheus.inspect("{{.Config.User}}") == "65534:65534"
    assert prometheus.inspect("{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}") == (
        "true [ALL]"
    )
