"""The processes in MAAS's container, as they see themselves."""

import json
from dataclasses import dataclass

from engine import Container

# Runs as UID 568, whose processes they are: nothing else may count their descriptors.
_LIST = r"""
import contextlib, json, os, re
found = []
for pid in filter(str.isdecimal, os.listdir("/proc")):
    with contextlib.suppress(OSError):
        stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        command = open(f"/proc/{pid}/cmdline").read().replace("\0", " ").strip()
        status = open(f"/proc/{pid}/status").read()
        memory = int((re.findall(r"RssAnon:\s+(\d+)", status) or "0")[0])
        descriptors = len(os.listdir(f"/proc/{pid}/fd")) if stat[0] != "Z" else 0
        ticks = int(stat[11]) + int(stat[12])
        found.append((int(pid), int(stat[19]), stat[0], memory, descriptors, ticks, command))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Process:
    """A process; `started` in ticks since the machine's start, `state` as ps has it."""

    pid: int
    started: int
    state: str
    memory_kb: int  # of its own: anonymous
    descriptors: int
    cpu_ticks: int
    command: str

    @property
    def ours(self) -> str:
        """Name it, where it is PID 1 or one of the project's own programs."""
        if self.pid == 1:
            return "PID 1"
        programs = {"healthcheck serve": "monitor", "-m housekeeping": "housekeeping"}
        return next((programs[end] for end in programs if self.command.endswith(end)), "")


def processes(container: Container) -> list[Process]:
    """Return those that live, and those that are dead and were not reaped."""
    return [Process(*values) for values in json.loads(container.run("python3", "-c", _LIST))]
