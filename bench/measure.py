"""The measurements. Each repetition is a new life of a supervisor, in a directory of its own."""

import http.client
import re
import socket
import time
import xmlrpc.client
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.supervisors import KINDS, MeasurementError, Supervisor, progress

SIZES = (10, 50, 100, 200)
FLOOD_RATE = 50_000

_SETTLED_SECONDS = 2.2  # longer than any of the three takes to call a program up
_IDLE_SECONDS = 20.0
_FLOOD_SECONDS = 20

# Whole lines only; what PID 1 puts before them does not matter.
_FLOOD_LINE = re.compile(rb"x{84} flood (\d{8})$")
_LOST_LINES = re.compile(rb"(?=.*\b(?:missing|lost|dropped)\b).*?\b(\d+) (?:\w+ )?lines?\b")

Samples = dict[str, dict[str, list[float]]]  # by what is measured and by kind of supervisor


def compare(directory: Path, repeat: int) -> Samples:
    """Measure the three in turn, with 10 programs each; times in ms, PSS in MB."""
    samples: Samples = defaultdict(lambda: defaultdict(list))
    for repetition in range(repeat):
        progress(f"comparing, repetition {repetition + 1} of {repeat}")
        for kind in KINDS:
            with Supervisor(kind, directory / f"{kind}-{repetition}") as supervisor:
                samples["start"][kind].append(supervisor.starts()[0])
                time.sleep(_SETTLED_SECONDS)
                samples["pss"][kind].append(supervisor.pss_mb())
                # Another one each time, once in a life: ours delays a restart after the first.
                samples["restart"][kind].append(supervisor.kill(f"p{repetition % 10 + 1}"))
                # Stock looks once a second, and is asked in each part of its second.
                time.sleep(1 + repetition / repeat)
                first_term, end = supervisor.stop()
                samples["first_term"][kind].append(first_term)
                samples["shutdown"][kind].append(end)
    return samples


def idle(directory: Path) -> Samples:
    """Measure CPU time with 10 programs and without a client, in ms per minute.

    All three at the same time, so that each window is as noisy for one as for the others.
    """
    samples: Samples = {"idle_cpu": {kind: [] for kind in KINDS}}
    with ExitStack() as stack:
        supervisors = {
            kind: stack.enter_context(Supervisor(kind, directory / f"{kind}-idle"))
            for kind in KINDS
        }
        for supervisor in supervisors.values():
            supervisor.starts()
        time.sleep(2 * _SETTLED_SECONDS)
        for window in (1, 2, 3):
            progress(f"idling, window {window} of 3")
            before = {kind: supervisor.cpu_ms() for kind, supervisor in supervisors.items()}
            time.sleep(_IDLE_SECONDS)
            for kind, supervisor in supervisors.items():
                used = supervisor.cpu_ms() - before[kind]
                samples["idle_cpu"][kind].append(used * 60 / _IDLE_SECONDS)
    return samples


def scaling(directory: Path, repeat: int) -> dict[str, dict[int, list[float]]]:
    """Measure ours by number of programs: ms until all are executed, ms of a status answer."""
    times: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for repetition in range(repeat):
        progress(f"scaling, repetition {repetition + 1} of {repeat}")
        for size in SIZES:
            life = directory / f"ours-{size}-{repetition}"
            with Supervisor("ours", life, programs=size) as supervisor:
                times["start"][size].append(supervisor.starts()[-1])
                time.sleep(_SETTLED_SECONDS / 2)  # what a start brings with it is over then
                socket_path = life / "run/supervisor.sock"
                times["status"][size] += (_status_ms(socket_path, size) for _ in range(20))
    return times


def _status_ms(path: Path, size: int) -> float:
    """Return the ms in which a client that runs already learns the state of all programs."""
    request = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo")
    connection = http.client.HTTPConnection("localhost")
    with socket.socket(socket.AF_UNIX) as connection.sock:
        begun = time.monotonic_ns()
        connection.sock.settimeout(10)
        connection.sock.connect(str(path))
        connection.request("POST", "/RPC2", request, {"Content-Type": "text/xml"})
        answer = connection.getresponse().read()
        elapsed = time.monotonic_ns() - begun
    if answer.count(b"<name>statename</name>") != size:
        raise MeasurementError(f"cannot measure the status: {size} programs are not in {answer!r}")
    return elapsed / 1e6


@dataclass(frozen=True)
class Flood:
    """A flood of log lines: restarts meanwhile in ms, the rate in lines/s, numbers of lines."""

    restarts: list[float]
    rate: float
    written: int
    received: int
    announced_lost: int
    out_of_order: int

    @property
    def missing(self) -> int:
        """How many lines neither came whole nor were announced as lost."""
        return max(0, self.written - self.received - self.announced_lost)


def flood(directory: Path) -> Flood:
    """Flood PID 1's log for 20 s, and kill another program every 2 s."""
    progress(f"flooding the log for {_FLOOD_SECONDS} s")
    with Supervisor(
        "ours", directory / "ours-flood", flood=(FLOOD_RATE, _FLOOD_SECONDS)
    ) as supervisor:
        supervisor.starts()
        begun = time.monotonic()
        restarts = []
        for number in range(1, 10):
            time.sleep(max(0, begun + 2 * number - time.monotonic()))
            restarts.append(supervisor.kill(f"p{number}"))
        end = supervisor.events("flooded")[0]
        seconds = (end.ns - supervisor.events("exec", program="flood")[0].ns) / 1e9
        size = -1
        while size != (size := supervisor.log.stat().st_size):  # some lines are on their way
            time.sleep(1)
        supervisor.stop()
        numbers, announced_lost = _read_flood(supervisor.log)
    return Flood(
        restarts=restarts,
        rate=end.value / seconds,
        written=end.value,
        received=len(set(numbers)),
        announced_lost=announced_lost,
        out_of_order=sum(later <= earlier for earlier, later in pairwise(numbers)),
    )


def _read_flood(log: Path) -> tuple[list[int], int]:
    numbers = []
    announced_lost = 0
    with log.open("rb") as lines:
        for line in lines:
            if number := _FLOOD_LINE.search(line):
                numbers.append(int(number[1]))
            elif lost := _LOST_LINES.match(line):
                announced_lost += int(lost[1])
    return numbers, announced_lost
