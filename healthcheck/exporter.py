"""Renders the metrics for Prometheus, on the monitor's own tick: a scrape only hands them out."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from healthcheck import metrics
from healthcheck.check import Check, Target
from healthcheck.metrics import Family
from healthcheck.monitor import Monitor
from healthcheck.process_tree import Usage, usage
from healthcheck.supervisor_client import Program, Unreachable
from healthcheck.verdict import Result

TICK_SECONDS = 5.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

prometheus_client.disable_created_metrics()

Values = Mapping[tuple[str, ...], float]


class Exporter:
    """Knows the metrics of one monitor; `text` is the last rendering."""

    def __init__(self, monitor: Monitor, target: Target, heals: Callable[[], int]) -> None:
        self.text = b""
        self._monitor = monitor
        self._target = target
        self._heals = heals
        self._passed_at: dict[str, float] = {}
        self._values: dict[str, Values] = {}
        self._programs: list[Program] = []
        self._cpu_seconds: dict[tuple[int, int], float] = {}  # by pid and start time
        self._registry = CollectorRegistry()
        self._registry.register(self)
        duration = metrics.DURATION
        self._duration = Histogram(
            duration.name, duration.help, duration.labels, buckets=BUCKETS, registry=self._registry
        )
        for check in monitor.checks:
            self._duration.labels(check.name)
        monitor.on_result.append(self._note)

    async def keep_rendering(self) -> None:
        """Render for ever, once a tick."""
        while True:
            await self.render()
            await asyncio.sleep(TICK_SECONDS)

    async def render(self) -> None:
        """Render the metrics as they are now, in a thread: hundreds of programs take a while."""
        with contextlib.suppress(Unreachable):
            await self._target.programs.fresh()
        self._values = self._of_monitor()
        self._programs = self._target.programs.latest
        self.text = await asyncio.to_thread(generate_latest, self._registry)

    def collect(self) -> Iterator[Family]:
        """Yield all metrics but the histogram; the registry's callback."""
        for name, values in (self._values | self._of_programs(self._programs)).items():
            family = metrics.ALL[name].family()
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterable[Family]:
        """Yield nothing: what there is, collect says; the registry would call it at once."""
        return []

    def _note(self, check: Check, result: Result) -> None:
        self._duration.labels(check.name).observe(result.seconds)
        if result.failure is None:
            self._passed_at[check.name] = time.time()

    def _of_monitor(self) -> dict[str, Values]:
        """Return each metric's values by the values of its labels."""
        init = self._monitor.init()
        version = (init.maas_version, init.source, os.environ.get("IMAGE_REVISION", ""))
        values: dict[str, Values] = {
            "maas_health": _one_of(metrics.HEALTH_STATES, self._monitor.verdict().state.value),
            "maas_check_success": {
                (name,): float(result.failure is None)
                for name, result in self._monitor.results.items()
            },
            "maas_check_last_success_timestamp_seconds": _labelled(self._passed_at),
            "maas_heals_total": {(): self._heals()},
            "maas_monitor_tick_timestamp_seconds": {(): time.time()},
            "maas_build_info": {version: 1},
            "maas_init_state": _one_of(metrics.INIT_STATES, init.state),
            "maas_init_step_duration_seconds": {
                (step.name,): step.seconds for step in init.steps if step.seconds is not None
            },
            "maas_init_progress_ratio": {(): init.ratio},
            "maas_database_migration_state": _one_of(metrics.MIGRATION_STATES, init.migration),
        }
        for name, reading in self._target.readings.items():
            values[name] = _labelled(reading) if isinstance(reading, dict) else {(): reading}
        return values

    def _of_programs(self, programs: list[Program]) -> dict[str, Values]:
        trees = usage([program.pid for program in programs if program.pid])
        # what has left a tree takes its time with it, but a counter never goes back
        self._cpu_seconds = {
            life: max(trees[program.pid].cpu_seconds, self._cpu_seconds.get(life, 0.0))
            for program in programs
            if program.pid and (life := (program.pid, program.start_time))
        }

        def of_each(value: Callable[[Program], float]) -> Values:
            return {(program.name,): value(program) for program in programs}

        def of_tree(value: Callable[[Usage], float]) -> Values:
            return of_each(lambda program: value(trees.get(program.pid, Usage())))

        return {
            "supervisor_program_state": {
                (program.name, state): float(program.state.lower() == state)
                for program in programs
                for state in metrics.PROGRAM_STATES
            },
            "supervisor_program_wanted": of_each(lambda program: program.wanted),
            "supervisor_program_restarts_total": of_each(lambda program: program.restarts),
            "supervisor_program_exits_total": {
                (program.name, reason): count
                for program in programs
                for reason, count in program.exits.items()
            },
            "supervisor_program_start_time_seconds": of_each(lambda program: program.start_time),
            "supervisor_program_cpu_seconds_total": of_each(
                lambda program: self._cpu_seconds.get((program.pid, program.start_time), 0.0)
            ),
            "supervisor_program_resident_memory_bytes": of_tree(lambda tree: tree.resident_bytes),
            "supervisor_program_open_fds": of_tree(lambda tree: tree.open_fds),
            "supervisor_program_processes": of_tree(lambda tree: tree.processes),
            "supervisor_log_lost_lines_total": of_each(lambda program: program.lost_lines),
        }


def _one_of(possible: Iterable[str], actual: str) -> Values:
    return {(state,): float(state == actual) for state in possible}


def _labelled(values: Mapping[str, float]) -> Values:
    return {(label,): value for label, value in values.items()}
