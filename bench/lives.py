"""One life of a container from `docker start` on: when it came how far, on one clock."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.process_events import Exec, ProcessEvents
from bench.supervisors import MeasurementError, run

API = (5240, "/MAAS/api/2.0/version/")
READY = (9568, "/readyz")
WORKER = "run/maas/regiond-webapp.sock.0"
INIT_REPORT = "run/maas/init.json"
POLL_SECONDS = 0.02
LIFE_SECONDS = 180
# How far a life is followed.
LISTENS, ANSWERS, HEALTHY = 1, 2, 3


@dataclass
class Life:
    """Moments in ms since `docker start` was called, and what init's steps took in ms.

    started_at (as the engine has it), pid1 (its exec), health_serve and init (their execs),
    init_begun and init_done (as init has them), init_ended (its process), regiond (its exec),
    listens (its first worker), api (its first 200), ready (as the monitor has it), healthy (as
    Docker has it). Those that it does not have did not come.
    """

    moments: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)

    def spans(self) -> dict[str, float]:
        """Return where the ms of a life of the image's own went, in order."""
        at = self.moments
        init = at["init_done"] - at["init_begun"]
        return {
            "engine, until PID 1's exec": at["pid1"],
            "PID 1, until init's exec": at["init"] - at["pid1"],
            "init: interpreter, imports": at["init_begun"] - at["init"],
            **{f"init: {step}": milliseconds for step, milliseconds in self.steps.items()},
            "init: beside its steps": init - sum(self.steps.values()),
            "init: done, until its end": at["init_ended"] - at["init_done"],
            "PID 1, until regiond's exec": at["regiond"] - at["init_ended"],
            "MAAS, until a worker listens": at["listens"] - at["regiond"],
            "nginx, until the API's first 200": at["api"] - at["listens"],
            "monitor, until healthy": at["ready"] - at["api"],
            "Docker, until healthy": at["healthy"] - at["ready"],
        }


def start(*names: str, until: int) -> list[Life]:
    """Start containers at the same time, and follow each. Raises MeasurementError."""
    over = threading.Event()
    with ProcessEvents() as events, ThreadPoolExecutor(len(names)) as pool:
        try:
            return list(pool.map(lambda name: _live(name, events, until, over), names))
        finally:
            over.set()  # for the others, when one has failed


def _live(name: str, events: ProcessEvents, until: int, over: threading.Event) -> Life:
    def wait(reached: Callable[[], bool]) -> int:
        return _wait(name, reached, over)

    # what the engine and init note by the other clock
    unix = time.time_ns() - time.monotonic_ns()
    begun = time.monotonic_ns()
    run("docker", "start", name)
    facts = _inspect(name)
    root = Path(f"/proc/{facts['State']['Pid']}/root")
    address = next(iter(facts["NetworkSettings"]["Networks"].values()))["IPAddress"]
    reached = {
        "started_at": _parse(facts["State"]["StartedAt"]) - unix,
        "listens": wait((root / WORKER).exists),
    }
    if until >= ANSWERS:
        reached["api"] = wait(lambda: _is_ok(address, *API))
    if until >= HEALTHY:
        reached["ready"] = wait(lambda: _is_ok(address, *READY))
        wait(lambda: _inspect(name)["State"]["Health"]["Status"] == "healthy")
        last = _inspect(name)["State"]["Health"]["Log"][-1]
        reached["healthy"] = _parse(last["End"]) - unix
    own = [found for found in events.execs if facts["Id"] in found.cgroup]
    reached |= _execs(own, facts["State"]["Pid"], events)
    life = Life()
    with contextlib.suppress(FileNotFoundError):  # a life without init
        report = json.loads((root / INIT_REPORT).read_text())
        reached["init_begun"] = int(report["started"] * 1e9) - unix
        reached["init_done"] = int(report["finished"] * 1e9) - unix
        life.steps = {step["name"]: step["seconds"] * 1e3 for step in report["steps"]}
    life.moments = {moment: (ns - begun) / 1e6 for moment, ns in reached.items()}
    return life


def _execs(execs: list[Exec], entry: int, events: ProcessEvents) -> dict[str, int]:
    """Return the first exec of each program that counts, and the end of init."""
    reached: dict[str, int] = {}
    for found in execs:
        words = [Path(word).name for word in found.arguments]
        if found.pid == entry and words[0] != "runc":  # which this process was before
            reached.setdefault("pid1", found.ns)
        if words[-2:] == ["healthcheck", "serve"]:
            reached.setdefault("health_serve", found.ns)
        if words[-2:] == ["maas-init", "run"] and "init" not in reached:
            reached["init"] = found.ns
            if found.pid in events.ends:
                reached["init_ended"] = events.ends[found.pid]
        if words[-1] == "regiond":
            reached.setdefault("regiond", found.ns)
    return reached


def _wait(name: str, reached: Callable[[], bool], over: threading.Event) -> int:
    """Return when it was reached, in ns of the monotonic clock. Raises MeasurementError."""
    deadline = time.monotonic() + LIFE_SECONDS
    while not reached():
        if over.wait(POLL_SECONDS) or time.monotonic() > deadline:
            tail = run("docker", "logs", "--tail=20", name)
            raise MeasurementError(f"cannot measure the start of {name}:\n{tail}")
    return time.monotonic_ns()


def _is_ok(address: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _inspect(name: str) -> dict[str, Any]:
    return dict(json.loads(run("docker", "inspect", name))[0])


def _parse(text: str) -> int:
    """Return a time of Docker's, such as 2026-01-31T23:59:59.123456789Z, in ns of Unix time."""
    seconds, _, rest = text.rstrip("Z").partition(".")
    whole = datetime.fromisoformat(f"{seconds}+00:00").timestamp()
    return int(whole) * 10**9 + int(rest.ljust(9, "0")[:9] or 0)
