import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import check_run
import pid1_double

from healthcheck import metrics
from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.exporter import Exporter
from healthcheck.monitor import Monitor

REPORT = {
    "state": "done",
    "steps": [{"name": "migrate", "state": "done", "seconds": 38.7}],
    "versions": {"maas": "3.5.13"},
    "finished": 1,
}


def make(_target: Target) -> Run:
    async def run() -> Failure | None:
        return None

    return run


def render(environment: Mapping[str, str], *processes: dict[str, object]) -> str:
    """Render what is known after one round of one check, with PID 1 answering, if it has any."""
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    Path(target.run, "init.json").write_text(json.dumps(REPORT))
    target.readings["maas_database_connections"] = 17
    target.readings["maas_directory_free_bytes"] = {"data": 1000.0}

    async def run() -> str:
        monitor = Monitor([Check("api", "", "", State.UNHEALTHY, 10, 5, make)], target)
        exporter = Exporter(monitor, target, lambda: 2)
        await monitor.run_once()
        if not processes:
            await exporter.render()
        else:
            async with pid1_double.answering(
                environment, *processes, wanted={"squid": False}, restarts={"squid": 3}
            ):
                await exporter.render()
        return exporter.text.decode()

    return asyncio.run(run())


def test_what_is_known_is_told(environment: Mapping[str, str]) -> None:
    lines = render(environment, {"name": "squid"}, {"name": "init", "statename": "EXITED"})
    for line in (
        'maas_health{state="healthy"} 1.0',
        'maas_health{state="unhealthy"} 0.0',
        'maas_check_success{check="api"} 1.0',
        'maas_check_duration_seconds_count{check="api"} 1.0',
        "maas_heals_total 2.0",
        'maas_build_info{revision="",source="package",version="3.5.13"} 1.0',
        'maas_init_step_duration_seconds{step="migrate"} 38.7',
        'maas_database_migration_state{state="current"} 1.0',
        "maas_database_connections 17.0",
        'maas_directory_free_bytes{directory="data"} 1000.0',
        'supervisor_program_state{program="squid",state="running"} 1.0',
        'supervisor_program_state{program="init",state="exited"} 1.0',
        'supervisor_program_wanted{program="squid"} 0.0',
        'supervisor_program_wanted{program="init"} 1.0',
        'supervisor_program_restarts_total{program="squid"} 3.0',
    ):
        assert f"\n{line}\n" in lines


def test_without_pid_1_there_is_nothing_about_programs(environment: Mapping[str, str]) -> None:
    text = render(environment)
    assert "maas_health" in text
    assert 'program="' not in text


def test_every_metric_is_told_by_its_declaration(environment: Mapping[str, str]) -> None:
    text = render(environment, {"name": "squid"})
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert told <= set(metrics.ALL)
    for metric in metrics.ALL.values():
        assert metric.kind in ("gauge", "counter", "histogram")
        assert metric.help.endswith(".")
        assert set(metric.labels) <= {*metrics.LABELS, "state"}
        assert ("state" in metric.labels) == bool(metric.states)
