"""Half an hour of MAAS as it is used, with a fault each minute that its container survives.

Prometheus scrapes every 15 s and Docker runs the health check every 30 s, as always. The faults are
those of `make chaos`; PID 1, the monitor and housekeeping are spared, that they live all the time.
"""

import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos.faults import FAULTS
from chaos.injection import Failed, inject
from chaos.oracle import Oracle, Wrong
from chaos.plan import Injection, Round
from chaos.processes import processes
from chaos.stack import PYTHON, Stack

from bench.monitor import TIMER, scrape
from bench.supervisors import MeasurementError, progress, run

PROJECT = "maas-bench-soak"
# What ends or replaces the container, or all of its programs but PID 1.
TOO_MUCH = {"create", "container", "container-again", "power-cut", "two-regions", "upgrade"}
TOO_MUCH |= {"kill-all"}
SPARED = {"healthcheck", "housekeeping"}
MINUTE = 60.0
BEGINS, ENDS = 5.0, 20.0  # seconds of its minute in which a fault begins and ends
RESTED = 55.0  # the second of each minute of which the table speaks
SAMPLE_SECONDS = 5.0
SETTLED_SECONDS = 30.0  # what a start brings with it is over then
PROBES, SCRAPES = 200, 1000
SCRAPE_PAUSE_SECONDS = 0.01
TICKS = os.sysconf("SC_CLK_TCK")
GROUPS = ("PID 1", "monitor", "housekeeping", "whole container")


@dataclass(frozen=True)
class Sample:
    """Figures of a group at one moment; memory is anonymous, which nobody else shares."""

    memory_mb: float
    descriptors: int
    cpu_seconds: float


@dataclass(frozen=True)
class Latencies:
    """Of the probe and of a scrape, in ms."""

    probe: list[float]
    scrape: list[float]


@dataclass
class Soak:
    """What was measured: `samples` and `faults` with their minute, `rested` by minute."""

    seed: int
    samples: list[tuple[float, dict[str, Sample]]] = field(default_factory=list)
    rested: dict[int, dict[str, Sample]] = field(default_factory=dict)
    faults: list[tuple[float, str]] = field(default_factory=list)
    start: Latencies | None = None
    end: Latencies | None = None


def measure(minutes: int) -> Soak:
    """Measure it all. Raises MeasurementError, also when MAAS does not get well."""
    soak = Soak(random.SystemRandom().randrange(10**6))
    stack = Stack(PROJECT, "monitoring")
    oracle = Oracle(stack)
    try:
        stack.create()
        oracle.wait_until_healthy()
        oracle.remember()
        _soak(soak, stack, oracle, minutes)
        oracle.check()
    except (Failed, Wrong, AssertionError, OSError) as error:
        raise MeasurementError(f"cannot go on with the soak: {soak.faults[-1:]}: {error}") from None
    finally:
        oracle.close()
        stack.remove()
    return soak


def _soak(soak: Soak, stack: Stack, oracle: Oracle, minutes: int) -> None:
    plan = _plan(random.Random(soak.seed))
    time.sleep(SETTLED_SECONDS)
    soak.start = _latencies(stack)
    begun = time.monotonic()
    with _sampling(soak, stack, begun):
        for minute in range(1, minutes + 1):
            fault = next(plan)
            progress(f"soak, minute {minute} of {minutes}: {fault}")
            soak.faults.append((minute - 1 + BEGINS / MINUTE, str(fault)))
            inject(stack, Round((fault,)))
            oracle.wait_until_healthy()
            time.sleep(max(0, begun + (minute - 1) * MINUTE + RESTED - time.monotonic()))
            soak.rested[minute] = _sample(stack)
            time.sleep(max(0, begun + minute * MINUTE - time.monotonic()))
    soak.end = _latencies(stack)


def _plan(chance: random.Random) -> Iterator[Injection]:
    """Yield for ever: each fault once before any comes again."""
    while True:
        for name in chance.sample(sorted(FAULTS.keys() - TOO_MUCH), len(FAULTS) - len(TOO_MUCH)):
            arguments = tuple(FAULTS[name].draw(chance))
            while SPARED & {*arguments}:
                arguments = tuple(FAULTS[name].draw(chance))
            yield Injection(name, arguments, BEGINS, ENDS - BEGINS)


@contextlib.contextmanager
def _sampling(soak: Soak, stack: Stack, begun: float) -> Iterator[None]:
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            minute = (time.monotonic() - begun) / MINUTE
            with contextlib.suppress(AssertionError):  # a fault keeps `docker exec` from it
                soak.samples.append((minute, _sample(stack)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _sample(stack: Stack) -> dict[str, Sample]:
    groups: dict[str, list[tuple[int, int, int]]] = {name: [] for name in GROUPS}
    for process in processes(stack.maas):
        figures = (process.memory_kb, process.descriptors, process.cpu_ticks)
        for name in filter(None, (process.ours, GROUPS[-1])):
            groups[name].append(figures)
    sums = {
        name: [sum(column) for column in zip(*each, strict=True)] for name, each in groups.items()
    }
    return {
        name: Sample(memory * 1024 / 1e6, descriptors, ticks / TICKS)
        for name, (memory, descriptors, ticks) in sums.items()
    }


def _latencies(stack: Stack) -> Latencies:
    """Run the probe as Docker does, but often, and scrape as Prometheus does."""
    timer = ("docker", "exec", stack.maas.name, PYTHON, "-I", "-c", TIMER)
    probes = json.loads(run(*timer, json.dumps([["healthcheck"]]), str(PROBES)))
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = stack.maas.inspect(template)
    scrapes = []
    for _ in range(SCRAPES):
        scrapes.append(scrape(address)[0])
        time.sleep(SCRAPE_PAUSE_SECONDS)
    return Latencies([wall for ((wall, _),) in probes], scrapes)
