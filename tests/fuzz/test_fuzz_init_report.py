"""What init says of itself, and all that the monitor makes of it."""

import json
from collections.abc import Mapping
from pathlib import Path

import check_run
import prometheus_client
from fuzzing import Fuzzer
from mutation import json_bytes, vary_json

from healthcheck import views
from healthcheck.checks import all_checks
from healthcheck.exporter import Exporter
from healthcheck.init_report import InitReport
from healthcheck.monitor import Monitor
from healthcheck.status_page import StatusPage

STEPS = [
    {"name": "settings", "state": "done", "seconds": 0.01, "result": "read"},
    {"name": "migrate", "state": "done", "seconds": 61.5},
]
MIGRATING = {"name": "migrate", "state": "running", "progress": "migrations: 12 of 300"}
VERSIONS = {"maas": "1:3.5.13+standin", "postgresql": "16.4 (Debian 16.4-1)"}
BASE = {"started": 1.7e9, "versions": VERSIONS}
DONE = BASE | {"state": "done", "steps": STEPS, "finished": 1.7e9, "exit_status": 0}
RUNNING = BASE | {"state": "running", "steps": [STEPS[0], MIGRATING]}
FAILED = DONE | {"state": "failed", "error": "cannot read /x: it is not text", "exit_status": 78}
KEPT = (
    b"",
    b"[" * 100_000,
    json.dumps(DONE | {"finished": 10**400}).encode(),
    json.dumps(DONE | {"state": "\ud800"}).encode(),
    json.dumps(FAILED | {"error": "cannot read /\udcff"}).encode(),
    json.dumps(FAILED | {"error": ["x"]}).encode(),
    json.dumps(RUNNING | {"error": 5, "steps": []}).encode(),
    json.dumps(DONE | {"steps": [STEPS[0] | {"seconds": "long"}]}).encode(),
    json.dumps(RUNNING | {"steps": [MIGRATING | {"progress": f"{'9' * 5000} of 2"}]}).encode(),
    json.dumps(RUNNING | {"steps": [MIGRATING | {"progress": f"{'9' * 400} of 2"}]}).encode(),
)


def test_init_report(fuzzer: Fuzzer, environment: Mapping[str, str]) -> None:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    path: Path = target.run / "init.json"
    monitor = Monitor(all_checks(), target)
    page = StatusPage(monitor, target)
    exporter = Exporter(monitor, target, lambda: 0)

    def case(content: bytes) -> None:
        path.write_bytes(content)
        monitor._init_version = ()  # two within one tick of the file system's clock
        report = monitor.init()
        assert report.state in ("running", "done", "failed")
        assert 0 <= report.ratio <= 1
        if report == InitReport("running", "beginning") and content != b"":
            return  # it cannot be read, as a rule
        verdict = monitor.verdict()
        for text in (
            views.line(monitor, verdict),
            views.table(monitor, verdict),
            views.document(monitor, verdict, target),
            views.public(verdict.public, monitor, True),
            report.migration,
        ):
            assert text.encode()
        assert page.render(verdict)
        exporter._values = exporter._of_monitor()
        assert prometheus_client.generate_latest(exporter._registry)
        assert isinstance(monitor.started, bool)

    fuzzer.run(case, json_bytes(DONE, RUNNING, FAILED), KEPT, vary_json)
