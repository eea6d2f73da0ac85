"""The alert rules and the dashboard, without Prometheus and Grafana: promtool judges them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring_files import (
    ALERTS,
    ROOT,
    alerts,
    dashboard,
    dashboard_queries,
    panels,
    selectors,
)

from healthcheck import metrics
from healthcheck.checks import all_checks

TESTS = ROOT / "tests/promtool/alerts_test.yml"
RUNBOOK = ROOT / "docs/alerts.md"
NAMES = [alert["alert"] for alert in alerts()]
QUERIES = [alert["expr"] for alert in alerts()] + dashboard_queries()


def promtool(*arguments: str | Path) -> None:
    checked = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def cases() -> list[tuple[str, bool, set[str]]]:
    """Return of each case its alert, whether that fires, and the metrics that there are."""
    return [
        (
            case["alertname"],
            bool(case["exp_alerts"]),
            {entry["series"].split("{")[0] for entry in test["input_series"]},
        )
        for test in yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]


def test_promtool_accepts_rules_and_configuration() -> None:
    promtool("check", "rules", ALERTS)
    promtool("check", "config", ROOT / "monitoring/prometheus.yml")


def test_each_alert_fires_and_does_not_where_it_should() -> None:
    promtool("test", "rules", TESTS)


@pytest.mark.parametrize("alert", alerts(), ids=NAMES)
def test_each_alert_has_a_case_of_both_kinds_on_its_own_metrics(alert: dict[str, Any]) -> None:
    needed = {metric for _, metric, _ in selectors(alert["expr"])}
    tested = [fires for name, fires, given in cases() if name == alert["alert"] and needed <= given]
    assert set(tested) == {True, False}


@pytest.mark.parametrize("alert", alerts(), ids=NAMES)
def test_each_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert "`docker " in alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"] == f"docs/alerts.md#{name.lower()}"


def test_each_alert_has_a_paragraph_in_the_order_of_the_rules() -> None:
    sections = re.findall(r"^## (\w+)\n\n(.+?)\n(?=\n|\Z)", RUNBOOK.read_text(), re.M | re.S)
    assert [name for name, _ in sections] == NAMES
    for name, paragraph in sections:
        assert "`docker " in paragraph, name


def test_the_links_of_the_runbook_lead_somewhere() -> None:
    for page, anchor in re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", RUNBOOK.read_text()):
        headings = re.findall(r"^#+ (.+)$", (RUNBOOK.parent / page).read_text(), re.M)
        assert not anchor or anchor in {h.lower().replace(" ", "-") for h in headings}, anchor


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("query", QUERIES)
def test_queries_ask_for_what_the_monitor_has(query: str) -> None:
    values = {"check": {check.name for check in all_checks()}}
    asked = list(selectors(query))
    assert asked
    for text, metric, matchers in asked:
        if metric in ("up", "ALERTS"):  # Prometheus's own
            continue
        declared = _declared(metric)
        for label, operator, value in matchers:
            assert label in declared.labels, text
            known = values.get(label) or (set(declared.states) if label == "state" else None)
            assert not known or set(value.split("|")) <= known, text
            assert operator in ("=~", "!~") or "|" not in value, text


def _declared(metric: str) -> metrics.Metric:
    known = metrics.ALL | {metrics.DURATION.name: metrics.DURATION}
    histogram = re.sub(r"_(bucket|sum|count)$", "", metric)
    return known[metric] if metric in known else known[histogram]


def test_promtool_can_read_the_dashboards_queries(tmp_path: Path) -> None:
    rules = [{"record": f"query:{i}", "expr": q} for i, q in enumerate(dashboard_queries())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_the_dashboard_answers_four_questions_in_order() -> None:
    board = dashboard()
    assert (board["uid"], board["timezone"], board["refresh"]) == ("maas", "browser", "30s")
    assert "id" not in board  # Grafana's own database gives it
    in_order = sorted(board["panels"], key=lambda p: (p["gridPos"]["y"], p["gridPos"]["x"]))
    assert in_order == board["panels"]
    assert [p["title"] for p in board["panels"] if p["type"] == "row"] == [
        "Is it healthy?",
        "What restarts?",
        "Is the database the bottleneck?",
        "Is the disk filling?",
    ]
    assert len(panels()) <= 16


def test_each_panel_is_complete() -> None:
    (source,) = yaml.safe_load((ROOT / "monitoring/grafana/datasources.yml").read_text())[
        "datasources"
    ]
    expected = {"type": source["type"], "uid": source["uid"]}
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == expected
        assert [target["datasource"] for target in panel["targets"]] == [expected] * len(
            panel["targets"]
        )
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
    identities = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(identities)) == len(identities)


def test_no_panel_lies_on_another() -> None:
    def cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                yield x, y

    taken = [cell for panel in dashboard()["panels"] for cell in cells(panel)]
    assert len(set(taken)) == len(taken)
