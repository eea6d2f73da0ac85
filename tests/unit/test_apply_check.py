import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.checks import apply

SETTINGS = {
    "MAAS_SETTING_maas_name": {"result": "set"},
    "MAAS_SETTING_upstream_dns": {"result": "unchanged"},
}


def look(environment: Mapping[str, str], text: str | None) -> tuple[str, dict[str, object]]:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    if text is not None:
        Path(target.run, "apply.json").write_text(text)

    async def run() -> str:
        return check_run.reason(await apply.CHECK.make(target)())

    return asyncio.run(run()), dict(target.readings)


def test_all_are_as_declared(environment: Mapping[str, str]) -> None:
    report = {"state": "done", "started": 10.0, "finished": 12.5, "settings": SETTINGS}
    reason, readings = look(environment, json.dumps(report))
    assert reason == "passed"
    assert readings == {
        "maas_apply_state": {"running": 0.0, "done": 1.0, "failed": 0.0},
        "maas_apply_duration_seconds": 2.5,
        "maas_apply_settings": {"unchanged": 1.0, "set": 1.0, "refused": 0.0},
    }


def test_what_is_refused_is_named(environment: Mapping[str, str]) -> None:
    refused = SETTINGS | {"MAAS_SETTING_http_proxy": {"result": "refused"}}
    report = {"state": "done", "started": 10.0, "finished": 12.5, "settings": refused}
    reason, _ = look(environment, json.dumps(report))
    assert reason.startswith("MAAS refuses MAAS_SETTING_http_proxy (docker compose exec maas")


def test_a_failure(environment: Mapping[str, str]) -> None:
    report = {"state": "failed", "started": 1, "finished": 2, "settings": {}, "error": "no key"}
    assert look(environment, json.dumps(report))[0].startswith("maas-init apply failed: no key")


def test_before_it_has_run(environment: Mapping[str, str]) -> None:
    assert look(environment, None) == ("passed", {})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": 1, "settings": {"a": 1}}'])
def test_rubbish(environment: Mapping[str, str], text: str) -> None:
    assert "cannot be read" in look(environment, text)[0]
