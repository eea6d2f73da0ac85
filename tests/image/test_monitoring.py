"""Profile `monitoring`: a real Prometheus that scrapes the real monitor."""

import json
import urllib.parse
import urllib.request
from typing import Any

from engine import PROJECT, Container
from eventually import eventually


def ask(path: str, **query: str) -> Any:
    address = Container(f"{PROJECT}-prometheus-1").port(9090)
    url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)["data"]


def test_the_target_is_up(maas: Container) -> None:
    def target() -> tuple[str, str, str]:
        (target,) = ask("targets")["activeTargets"]
        return target["scrapeUrl"], target["health"], target["lastError"]

    eventually(lambda: target() == ("http://maas:9568/metrics", "up", ""), 60)


def test_what_it_scraped_can_be_asked_for(maas: Container) -> None:
    healthy = 'maas_health{state="healthy"} == 1'
    eventually(lambda: len(ask("query", query=healthy)["result"]) == 1, 60)


def test_prometheus_holds_no_privilege_and_is_healthy(maas: Container) -> None:
    prometheus = Container(f"{PROJECT}-prometheus-1")
    eventually(lambda: prometheus.inspect("{{.State.Health.Status}}") == "healthy", 60)
    assert prometheus.inspect("{{.Config.User}}") == "65534:65534"
    assert prometheus.inspect("{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}") == (
        "true [ALL]"
    )
