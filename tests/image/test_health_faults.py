"""Each fault with the verdict, the endpoints and the check that it must show, and its recovery.

MAAS is as slow here as the real one. `make faults` has each outage of the database last 10 minutes.
"""

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from chaos import scripts
from engine import Container, compose, docker
from eventually import eventually

pytestmark = pytest.mark.own_stack
PROJECT = "maas-test-health"
MAAS = f"{PROJECT}-maas-1"
OUTAGE_SECONDS = int(os.environ.get("OUTAGE_SECONDS") or 45)
PYTHON = "/opt/truenas-maas/bin/python3"
# Kills a program as often as it comes, be it PID 1 or MAAS that starts it.
KEEP_DEAD = """
import contextlib, os, signal, sys, time, xmlrpc.client
from supervisor.xmlrpc import SupervisorTransport
pid1 = xmlrpc.client.ServerProxy(
    "http://localhost", SupervisorTransport(None, None, "unix:///run/maas/supervisor.sock"))
while True:
    if pid := pid1.supervisor.getProcessInfo(sys.argv[1])["pid"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
"""
TABLE = "maasserver_controllerinfo"  # which the API counts versions in, and needs no other check
# Longer than the API may take to answer: 20 s, again and again.
LOCK = f"SET application_name = 'slow'; BEGIN; LOCK TABLE {TABLE}; SELECT pg_sleep(20); COMMIT;"
# The next start is 12 s away then, unless MAAS, which looks every 30 s, starts it itself.
FAILED = re.compile(r"failed ([6-9]|\d\d) times, next start")


def _compose(*arguments: str) -> str:
    return compose(*arguments, project=PROJECT, overlay="health.yaml")


@pytest.fixture(scope="module")
def stack(image: str) -> Iterator[Container]:
    _compose("down", "--volumes")
    _compose("up", "--detach")
    container = Container(MAAS, PROJECT)
    wait_for(container, "healthy", 240)
    yield container
    _compose("down", "--volumes")


@pytest.fixture
def maas(stack: Container) -> Container:
    wait_for(stack, "healthy", 120)
    return stack


def get(maas: Container, path: str) -> tuple[int, str]:
    """Return what an endpoint answers; 0 when it does not."""
    try:
        with urllib.request.urlopen(f"http://{maas.port(9568)}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def document(maas: Container) -> Any:
    return json.loads(maas.run("healthcheck", "--json", check=False))


def metric(maas: Container, sample: str) -> float:
    _, text = get(maas, "/metrics")
    (value,) = (line.split()[-1] for line in text.splitlines() if line.startswith(f"{sample} "))
    return float(value)


def signal(maas: Container, number: str, *pids: str) -> None:
    maas.run("sh", "-c", f"kill -{number} {' '.join(pids)}")


def kill_regiond(maas: Container) -> None:
    """Kill it, and again while it starts: one start is over soon after the monitor has looked."""
    for seconds in (4, 0):
        signal(maas, "9", maas.pid("regiond"))
        time.sleep(seconds)


def in_background(maas: Container, *command: str) -> None:
    docker("exec", "--detach", "--user", "568", maas.name, *command)


def begin_script(maas: Container, script: str, *arguments: str) -> None:
    """Begin a fault that lasts until `end_script`."""
    remember = "import os, pathlib; pathlib.Path('/tmp/fault.pid').write_text(str(os.getpid()))"
    in_background(maas, PYTHON, "-c", remember + script, *arguments)


def end_script(maas: Container) -> None:
    maas.run("sh", "-c", "kill -9 $(cat /tmp/fault.pid)")


def keep_dead(maas: Container, program: str) -> None:
    """Return when PID 1's next start is some seconds away."""
    begin_script(maas, KEEP_DEAD, program)
    eventually(lambda: FAILED.search(maas.run("supervisorctl", "status", program, check=False)), 60)


def psql_in_background(maas: Container, script: str) -> None:
    of_postgres = ("exec", "--detach", f"{PROJECT}-postgres-1", "sh", "-c")
    docker(*of_postgres, f'for i in 1 2 3; do psql -U maas maasdb -c "{script}"; done')


def wait_for(maas: Container, line: str, seconds: float) -> None:
    """Wait until the probe's line begins so; asked once a second, for others run beside this."""
    deadline = time.monotonic() + seconds
    while not (said := maas.probe()).startswith(line):
        assert time.monotonic() < deadline, f"not {line} within {seconds:.0f} s, but {said}"
        time.sleep(1)


def nothing(_maas: Container) -> None:
    """What PID 1, healing or MAAS itself mend."""


@dataclass(frozen=True)
class Fault:
    """A fault: how it is made and ended, and what must be seen within how many seconds.

    `check` is the one that the line names first; `alive` what /livez answers.
    """

    name: str
    begin: Callable[[Container], object]
    end: Callable[[Container], object]
    check: str
    seconds: float
    recovery_seconds: float = 60
    state: str = "unhealthy"
    alive: int = 200
    heals: int = 0


def dead(name: str, program: str, state: str) -> Fault:
    return Fault(
        f"{name} dead",
        lambda maas: keep_dead(maas, program),
        end_script,
        "programs",
        20,
        state=state,
    )


FAULTS = (
    Fault(
        "database stopped",
        lambda _: _compose("stop", "postgres"),
        lambda _: _compose("start", "postgres"),
        "database",
        20,
    ),
    Fault(
        "database paused",
        lambda _: _compose("pause", "postgres"),
        lambda _: _compose("unpause", "postgres"),
        "database",
        25,
    ),
    Fault(
        "database full of connections",
        lambda maas: begin_script(maas, scripts.FILL_CONNECTIONS),
        end_script,
        "database",
        20,
    ),
    Fault(
        "regiond killed",
        kill_regiond,
        nothing,
        "regiond",
        15,
    ),
    Fault(
        "regiond's parent hangs",
        lambda maas: signal(maas, "STOP", maas.pid("regiond")),
        nothing,
        "regiond",
        20,
        recovery_seconds=120,
        heals=1,
    ),
    Fault(
        "one of regiond's workers hangs",
        lambda maas: signal(maas, "STOP", maas.workers()[0]),
        nothing,
        "regiond",
        20,
        recovery_seconds=120,
        heals=1,
    ),
    Fault(
        "all of regiond hangs",
        lambda maas: signal(maas, "STOP", maas.pid("regiond"), *maas.workers()),
        nothing,
        "regiond",
        20,
        recovery_seconds=120,
        heals=1,
    ),
    Fault(
        "API answers 500",
        lambda maas: maas.sql(f"ALTER TABLE {TABLE} RENAME TO away"),
        lambda maas: maas.sql(f"ALTER TABLE away RENAME TO {TABLE}"),
        "api",
        20,
    ),
    Fault(
        "API answers after 20 s",
        lambda maas: psql_in_background(maas, LOCK),
        nothing,
        "api",
        25,
        recovery_seconds=90,
    ),
    dead("named", "bind9", "unhealthy"),
    dead("squid", "squid", "degraded"),
    dead("rsyslog", "rsyslog", "degraded"),
    dead("temporal", "temporal", "degraded"),
    Fault(
        "disk full",
        lambda maas: maas.run("dd", "if=/dev/zero", "of=/var/lib/maas/full", "bs=1M", check=False),
        lambda maas: maas.run("rm", "/var/lib/maas/full"),
        "directories",
        45,
    ),
    Fault(
        "directory read-only",
        lambda maas: maas.run("chmod", "0500", "/var/lib/maas"),
        lambda maas: maas.run("chmod", "0750", "/var/lib/maas"),
        "directories",
        45,
    ),
    Fault(
        "monitor hangs",
        lambda maas: signal(maas, "STOP", maas.pid("healthcheck")),
        lambda maas: signal(maas, "CONT", maas.pid("healthcheck")),
        "the monitor does not answer",
        10,
        alive=0,
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_seen_and_gets_over(maas: Container, fault: Fault) -> None:
    heals = metric(maas, "maas_heals_total")
    begun = time.monotonic()
    fault.begin(maas)
    try:
        first = f"{fault.state}: {fault.check}"
        wait_for(maas, first, fault.seconds)
        seen = time.monotonic() - begun
        ready, text = get(maas, "/readyz")
        alive, _ = get(maas, "/livez")
        if fault.alive:
            assert ready == (200 if fault.state == "degraded" else 503)
            assert fault.state == "degraded" or text.startswith(first)
        else:
            assert ready == 0
        assert alive == fault.alive
    finally:
        ended = time.monotonic()
        fault.end(maas)
    wait_for(maas, "healthy", fault.recovery_seconds)
    healthy = time.monotonic() - (begun if fault.heals else ended)
    print(f"\n{fault.name}: {fault.state} after {seen:.0f} s, healthy {healthy:.0f} s later")
    assert metric(maas, "maas_heals_total") - heals == fault.heals
    assert get(maas, "/readyz")[0] == 200
    if fault.heals:
        assert healthy < 120
        assert "healthcheck asks to restart regiond" in maas.log()


def test_a_monitor_that_is_killed_is_back_within_seconds(maas: Container) -> None:
    before = maas.pid("healthcheck")
    maas.run("sh", "-c", f"kill -9 {before}; ! healthcheck")
    wait_for(maas, "healthy", 20)
    assert maas.pid("healthcheck") != before


def test_a_proxy_that_is_switched_off_is_no_fault(maas: Container) -> None:
    def apply(value: str) -> None:
        setting = f"--env=MAAS_SETTING_enable_http_proxy={value}"
        docker("exec", "--user", "568", setting, maas.name, "maas-init", "apply")

    apply("false")
    try:
        eventually(lambda: maas.state("squid") == "STOPPED", 60)
        deadline = time.monotonic() + 35  # each check has run since
        while time.monotonic() < deadline:
            assert maas.probe().startswith("healthy")
            time.sleep(2)
        assert metric(maas, 'supervisor_program_wanted{program="squid"}') == 0
    finally:
        apply("true")
        eventually(lambda: maas.state("squid") == "RUNNING", 60)


@pytest.mark.parametrize(("begin", "end"), [("stop", "start"), ("pause", "unpause")])
def test_an_outage_of_the_database_heals_nothing_and_restarts_nothing(
    maas: Container, begin: str, end: str
) -> None:
    programs = ("regiond", "apiserver", "nginx", "bind9", "squid", "rsyslog", "healthcheck")

    def pids() -> dict[str, str]:
        return {name: maas.pid(name) for name in programs}

    before, heals = pids(), metric(maas, "maas_heals_total")
    _compose(begin, "postgres")
    try:
        deadline = time.monotonic() + OUTAGE_SECONDS
        wait_for(maas, "unhealthy: database", 30)
        while time.monotonic() < deadline:
            assert maas.probe().startswith("unhealthy: database")
            assert get(maas, "/livez")[0] == 200
            time.sleep(5)
    finally:
        _compose(end, "postgres")
    wait_for(maas, "healthy", 60)
    assert pids() == before
    assert metric(maas, "maas_heals_total") == heals
