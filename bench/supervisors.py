"""The supervisors that are compared: how each is configured, started, stopped and ended.

All supervise the same programs, run in the repository's root, and write to a pipe that `cat` reads,
as Docker does. Points in time are CLOCK_MONOTONIC in ns, as child.c records them.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_TIMEOUT_SECONDS = 30


class MeasurementError(Exception):
    """A measurement that gave no value; the text says which and why."""


class Event(NamedTuple):
    """What a program recorded: `kind` is exec, term or flooded; for `value` see child.c."""

    program: str
    kind: str
    ns: int
    value: int


def _section(name: str, command: str) -> str:
    output = "AUTO" if name == "flood" else "NONE"  # as in the image: to a file, too
    return (
        f"[program:{name}]\ncommand={command}\nautorestart=true\nredirect_stderr=true\n"
        f"stdout_logfile={output}\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
    )


def _stock(directory: Path, commands: dict[str, str]) -> list[str]:
    configuration = directory / "supervisord.conf"
    sections = [
        f"[supervisord]\nnodaemon=true\nlogfile={directory}/own.log\npidfile={directory}/pid\n",
        f"[unix_http_server]\nfile={directory}/supervisor.sock\n[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
        *(_section(name, command) for name, command in commands.items()),
    ]
    configuration.write_text("".join(sections))
    script = Path(sys.executable).with_name("supervisord")
    return [sys.executable, str(script), "-c", str(configuration)]


def _s6(directory: Path, commands: dict[str, str]) -> list[str]:
    for name, command in commands.items():
        run = directory / "scan" / name / "run"
        run.parent.mkdir(parents=True)
        run.write_text(f"#!/bin/sh\nexec {command}\n")
        run.chmod(0o700)
    return ["s6-svscan", str(directory / "scan")]


def _ours(directory: Path, commands: dict[str, str]) -> list[str]:
    configuration = directory / "supervisord.conf"
    text = (ROOT / "supervisord/supervisord.conf").read_text()
    for shipped, own in (("/run/maas", "run"), ("/var/log/maas", "logs")):
        text = text.replace(shipped, str(directory / own))
    configuration.write_text(text)
    for name in ("programs", "logs"):
        (directory / name).mkdir()
    for name, command in commands.items():
        (directory / f"programs/{name}.conf").write_text(_section(name, command))
    # The image has -I; with it Python would not find the package, which is not installed here. What
    # else it stands for is -E and -s.
    return [sys.executable, "-E", "-s", "-m", "supervisord", str(configuration)]


_CONFIGURE = {"stock": _stock, "s6": _s6, "ours": _ours}
KINDS = tuple(_CONFIGURE)


class Supervisor:
    """One life of a supervisor of programs p1, p2, …: it starts with `with` and ends with it.

    `flood`, a rate in lines/s and a duration in seconds, adds a program of that name.
    """

    def __init__(
        self, kind: str, directory: Path, programs: int = 10, flood: tuple[int, int] | None = None
    ) -> None:
        directory.mkdir()
        self.directory = directory
        self.log = directory / "log"
        self._kind = kind
        child = directory.parent / "child"
        self._events = directory / "events"
        names = [f"p{number}" for number in range(1, programs + 1)]
        commands = {name: f"{child} {name} {self._events}" for name in names}
        if flood:
            commands["flood"] = f"{child} flood {self._events} {flood[0]} {flood[1]}"
        self._count = len(commands)
        self._command = _CONFIGURE[kind](directory, commands)

    def __enter__(self) -> "Supervisor":
        self.started_ns = time.monotonic_ns()
        # A session of its own: Ctrl-C is for us alone, and we end it.
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with self.log.open("wb") as log:
            self._cat = subprocess.Popen(["cat"], stdin=self._process.stdout, stdout=log)
        assert self._process.stdout
        self._process.stdout.close()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            kill(self._process.pid, *descendants(self._process.pid))
            self._process.wait()
        self._cat.kill()
        self._cat.wait()

    def events(self, kind: str, count: int = 1, program: str = "", after: int = 0) -> list[Event]:
        """Return events of a kind, once there are `count`. Raises MeasurementError."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            ended = self._process.poll() is not None
            found = [
                event
                for event in self._recorded()
                if event.kind == kind and event.ns > after and program in ("", event.program)
            ]
            if len(found) >= count:
                return found
            if ended or time.monotonic() > deadline:
                raise self._failure(f"{len(found)} of {count} {kind} events {program}".rstrip())
            time.sleep(0.005)  # the times are the programs' own: this costs no accuracy

    def starts(self) -> list[float]:
        """Return, in order, the ms from its own exec to that of each program."""
        events = self.events("exec", self._count)
        return sorted((event.ns - self.started_ns) / 1e6 for event in events)

    def kill(self, program: str) -> float:
        """Return the ms from SIGKILL for a program to its replacement's exec."""
        pid = self.events("exec", program=program)[-1].value
        killed = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        return (self.events("exec", program=program, after=killed)[0].ns - killed) / 1e6

    def stop(self) -> tuple[float, float]:
        """Return the ms from SIGTERM to a program's first SIGTERM, and to its own end."""
        pidfd = os.pidfd_open(self._process.pid)
        asked = time.monotonic_ns()
        os.kill(self._process.pid, signal.SIGTERM)
        ended = select.select([pidfd], [], [], _TIMEOUT_SECONDS)[0]
        end = time.monotonic_ns()
        os.close(pidfd)
        if not ended:
            raise self._failure("SIGTERM does not end it")
        first = min(event.ns for event in self.events("term", self._count))
        self._cat.wait(_TIMEOUT_SECONDS)  # all that it sent is in the log then
        return (first - asked) / 1e6, (end - asked) / 1e6

    def pss_mb(self) -> float:
        """Return the PSS of its processes without the programs, in 10^6 bytes."""
        return pss_mb(*self._own_pids())

    def cpu_ms(self) -> float:
        """Return the CPU time of its processes without the programs, until now."""
        return cpu_ms(*self._own_pids())

    def _own_pids(self) -> list[int]:
        programs = {event.value for event in self._recorded() if event.kind == "exec"}
        own = self._process.pid
        return [own, *(pid for pid in descendants(own) if pid not in programs)]

    def _recorded(self) -> list[Event]:
        if not self._events.exists():
            return []
        whole, _, _ = self._events.read_text().rpartition("\n")  # the last may be half there
        lines = [line.split() for line in whole.splitlines()]
        return [Event(program, kind, int(ns), int(value)) for program, kind, ns, value in lines]

    def _failure(self, what: str) -> MeasurementError:
        tail = self.log.read_text(errors="replace").splitlines()[-20:]
        return MeasurementError("\n  ".join([f"cannot measure {self._kind}: {what}", *tail]))


def pss_mb(*pids: int) -> float:
    """Return the PSS of processes, in 10^6 bytes."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(text.split("\nPss:")[1].split()[0]) for text in rollups) * 1024 / 1e6


def cpu_ms(*pids: int) -> float:
    """Return the CPU time of processes until now."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def descendants(pid: int) -> list[int]:
    """Return the PIDs of all processes that come from this one, parents before children."""
    found = [pid]
    for parent in found:  # it grows meanwhile
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # has just ended
                found += map(int, children.read_text().split())
    return found[1:]


def kill(*pids: int) -> None:
    """Send SIGKILL to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def run(*command: str, **environment: str) -> str:
    """Return what a command prints, with these variables beside ours. Raises MeasurementError."""
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MeasurementError(f"cannot measure: {' '.join(command[:4])} failed: {done.stderr}")
    return done.stdout


def progress(text: str) -> None:
    """Say what is being measured."""
    print(f"bench: {text} …", file=sys.stderr, flush=True)
