"""Measures the probe beside a classical health check, and the monitor under its usual load.

Each on a stack of its own with the demo's settings: PostgreSQL, MAAS's stand-in and a Prometheus
that scrapes every 15 s, while Docker runs the probe every 30 s.
"""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.supervisors import ROOT, MeasurementError, cpu_ms, progress, pss_mb, run

PROJECT = "maas-bench-monitor"
MAAS = f"{PROJECT}-maas-1"
PORT = 9568
HEALTHY_SECONDS = 180
SETTLED_SECONDS = 30
CPU_SECONDS = 120
SCRAPES = 4000
PSS_EVERY = 250
LATENCY_SCRAPES = 1000
# Spread over several of the monitor's ticks.
PAUSE_SECONDS = 0.02
PYTHON = "/opt/truenas-maas/bin/python3"
COMMANDS = (["healthcheck"], ["classical-healthcheck"])
# Runs in the container: wall time and CPU time in ms of each command, in turns, as JSON.
TIMER = """
import json, os, sys, time
def measure(command):
    begun = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return (time.monotonic() - begun) * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3
commands = json.loads(sys.argv[1])
print(json.dumps([[measure(command) for command in commands] for _ in range(int(sys.argv[2]))]))
"""


@dataclass
class Measured:
    """Times in ms, memory in MB; `probe` and `classical` are pairs of wall time and CPU time."""

    probe: list[tuple[float, float]] = field(default_factory=list)
    classical: list[tuple[float, float]] = field(default_factory=list)
    cpu_percent: float = 0
    scrapes: dict[int, list[float]] = field(default_factory=dict)
    scrape_bytes: dict[int, int] = field(default_factory=dict)
    pss: list[float] = field(default_factory=list)


def measure(repeat: int) -> Measured:
    """Measure it all. Raises MeasurementError."""
    measured = Measured()
    directory = str(ROOT / "bench/health/images.yaml")
    run("docker", "compose", "--file", directory, "build")
    with _stack("classical") as address:
        progress("the probe and a classical health check, in turns")
        timer = ("docker", "exec", MAAS, PYTHON, "-I", "-c", TIMER, json.dumps(COMMANDS))
        run(*timer, "3")  # what the disk still has to deliver
        for probe, classical in json.loads(run(*timer, str(repeat))):
            measured.probe.append(tuple(probe))
            measured.classical.append(tuple(classical))
        _scrape_at_pace(address, measured)
        pid = _monitor_pid()
        progress(f"the monitor's CPU time, for {CPU_SECONDS} s")
        before = cpu_ms(pid)
        time.sleep(CPU_SECONDS)
        measured.cpu_percent = (cpu_ms(pid) - before) / 1e3 / CPU_SECONDS * 100
        progress(f"{SCRAPES} scrapes")
        for number in range(SCRAPES):
            scrape(address)
            if number % PSS_EVERY == PSS_EVERY - 1:
                measured.pss.append(pss_mb(pid))
    with _stack("many") as address:
        _scrape_at_pace(address, measured)
    return measured


@contextmanager
def _stack(tag: str) -> Iterator[str]:
    """Start the stack with an image; yield MAAS's address."""
    progress(f"starting the stack with the image {tag}")
    files = ("--file", str(ROOT / "compose.yaml"), "--env-file", str(ROOT / "demo/demo.env"))
    command = ("docker", "compose", "--project-directory", str(ROOT), *files)
    environment = {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "MAAS_IMAGE": f"truenas-maas-demo/bench:{tag}",
        "MAAS_HTTP_PORT": "127.0.0.1:0",
        "MAAS_HEALTH_PORT": "127.0.0.1:0",
        "PROMETHEUS_PORT": "127.0.0.1:0",
    }
    run(*command, "down", "--volumes", **environment)
    try:
        run(*command, "up", "--detach", "--no-build", **environment)
        _wait_until_healthy()
        time.sleep(SETTLED_SECONDS)
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield run("docker", "inspect", "--format", template, MAAS).strip()
    finally:
        run(*command, "down", "--volumes", **environment)


def _wait_until_healthy() -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not subprocess.run(
        ["docker", "exec", MAAS, "healthcheck"], capture_output=True
    ).stdout.startswith(b"healthy"):
        if time.monotonic() > deadline:
            raise MeasurementError("cannot measure the monitor: MAAS does not become healthy")
        time.sleep(1)


def _scrape_at_pace(address: str, measured: Measured) -> None:
    programs = run("docker", "exec", MAAS, "supervisorctl", "avail").count("\n")
    progress(
        f"{LATENCY_SCRAPES} scrapes with {programs} programs, {1 / PAUSE_SECONDS:.0f} a second"
    )
    times = []
    for _ in range(LATENCY_SCRAPES):
        milliseconds, size = scrape(address)
        times.append(milliseconds)
        time.sleep(PAUSE_SECONDS)
    measured.scrapes[programs], measured.scrape_bytes[programs] = times, size


def scrape(address: str) -> tuple[float, int]:
    """Return the ms and the bytes of one scrape."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(address, PORT, timeout=10)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200 or b"maas_health" not in body:
        raise MeasurementError(f"cannot measure a scrape: status {response.status}")
    return (time.monotonic() - begun) * 1e3, len(body)


def _monitor_pid() -> int:
    """Return the monitor's pid as this machine sees it."""
    top = run("docker", "top", MAAS, "-eo", "pid,args").splitlines()
    for line in top[1:]:
        pid, _, arguments = line.strip().partition(" ")
        if arguments.rstrip().endswith("healthcheck serve"):
            return int(pid)
    raise MeasurementError("cannot measure the monitor: it does not run")
