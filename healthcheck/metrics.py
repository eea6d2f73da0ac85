"""What Prometheus is told, rendered on the monitor's own tick."""

import asyncio
import os
import time

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from healthcheck.check import Check
from healthcheck.monitor import Monitor
from healthcheck.supervisor_client import SupervisorClient, Unreachable
from healthcheck.verdict import Result, State

TICK_SECONDS = 5.0
PROGRAM_STATES = (
    "STOPPED",
    "STARTING",
    "RUNNING",
    "BACKOFF",
    "STOPPING",
    "EXITED",
    "FATAL",
    "UNKNOWN",
)

prometheus_client.disable_created_metrics()


class Metrics:
    """Collects the metrics of one monitor; `text` is the last rendering."""

    def __init__(self, monitor: Monitor, client: SupervisorClient) -> None:
        self.text = b""
        self._monitor = monitor
        self._client = client
        self._registry = CollectorRegistry()
        registry = self._registry
        self._health = Gauge(
            "maas_health",
            "Whether the container is in this state of health.",
            ["state"],
            registry=registry,
        )
        self._success = Gauge(
            "maas_check_success",
            "Whether the last run of this check passed.",
            ["check"],
            registry=registry,
        )
        self._duration = Histogram(
            "maas_check_duration_seconds",
            "How long the runs of this check took.",
            ["check"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self._last_success = Gauge(
            "maas_check_last_success_timestamp_seconds",
            "When this check passed last, in Unix time.",
            ["check"],
            registry=registry,
        )
        self._program_state = Gauge(
            "supervisor_program_state",
            "Whether the program is in this state of supervisor's.",
            ["program", "state"],
            registry=registry,
        )
        self._program_start = Gauge(
            "supervisor_program_start_time_seconds",
            "When the program was started last, in Unix time; 0 if never.",
            ["program"],
            registry=registry,
        )
        self._lost_lines = Counter(
            "supervisor_log_lost_lines_total",
            "How many lines of this program the container's log has lost, for its reader was slow.",
            ["program"],
            registry=registry,
        )
        self._lost_lines_before: dict[str, float] = {}
        self._build = Gauge(
            "maas_build_info",
            "Always 1; its labels tell what runs.",
            ["version", "source", "revision"],
            registry=registry,
        )
        monitor.on_result = self._note

    async def keep_rendering(self) -> None:
        """Render for ever, once a tick."""
        while True:
            await self._render()
            await asyncio.sleep(TICK_SECONDS)

    def _note(self, check: Check, result: Result) -> None:
        self._success.labels(check.name).set(result.failure is None)
        self._duration.labels(check.name).observe(result.seconds)
        if result.failure is None:
            self._last_success.labels(check.name).set(time.time())

    async def _render(self) -> None:
        state = self._monitor.verdict().state
        for possible in State:
            self._health.labels(possible.value).set(possible is state)
        init = self._monitor.init()
        revision = os.environ.get("IMAGE_REVISION", "")
        self._build.clear()
        self._build.labels(init.maas_version, init.source, revision).set(1)
        try:
            programs = await self._client.programs()
            lost_lines = await self._client.lost_lines()
        except Unreachable:
            programs, lost_lines = [], self._lost_lines_before
        self._count_lost_lines(lost_lines)
        self._program_state.clear()
        for program in programs:
            for possible_state in PROGRAM_STATES:
                self._program_state.labels(program.name, possible_state.lower()).set(
                    program.state == possible_state
                )
            self._program_start.labels(program.name).set(program.start_time)
            self._lost_lines.labels(program.name)  # zero is a value, too
        self.text = generate_latest(self._registry)

    def _count_lost_lines(self, now: dict[str, float]) -> None:
        """Add what PID 1 has counted since it was asked before."""
        for program, lines in now.items():
            before = self._lost_lines_before.get(program, 0)
            self._lost_lines.labels(program).inc(lines - before)
        self._lost_lines_before = now
