"""What stands in monitoring/: the alert rules, the dashboard, and their queries."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ALERTS = ROOT / "monitoring/alerts.yml"
DASHBOARD = ROOT / "monitoring/grafana/maas.json"
SELECTOR = re.compile(r"\b((?:maas|supervisor)_\w+|up|ALERTS)\b(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    assert group["name"] == "maas"
    return list(group["rules"])


def dashboard() -> dict[str, Any]:
    return dict(json.loads(DASHBOARD.read_text(encoding="utf-8")))


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels without the rows between them."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_queries() -> list[str]:
    """Return the dashboard's queries as Grafana sends them to Prometheus, for an hour."""
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    for variable, value in (("$__rate_interval", "1m"), ("$__range", "1h")):
        queries = [query.replace(variable, value) for query in queries]
    assert not [query for query in queries if "$" in query]
    return queries


def selectors(query: str) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Yield of each selector its text, its metric and its matchers: label, operator, value."""
    for match in SELECTOR.finditer(query):
        yield match[0], match[1], MATCHER.findall(match[2] or "")


def with_bool(query: str) -> str:
    """Return a query whose comparisons answer 0 or 1 where they would answer nothing."""
    comparison = r'"[^"]*"|\{[^}]*\}|==|!=|>=|<=|>|<'
    return re.sub(comparison, lambda m: m[0] + " bool" if m[0][0] in "=!<>" else m[0], query)
