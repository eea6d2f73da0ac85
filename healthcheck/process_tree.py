"""What the processes of each program use, from /proc (proc(5)).

A library such as psutil knows no process groups, by which one is found whose parent has ended.
"""

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PID_1 = 1


@dataclass
class Usage:
    """What a program and all its descendants use: CPU time since the start, memory, files."""

    processes: int = 0
    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    open_fds: int = 0


@dataclass(frozen=True)
class _Process:
    parent: int
    group: int
    cpu_seconds: float
    resident_bytes: int


def usage(pids: Collection[int]) -> dict[int, Usage]:
    """Return what the trees below these pids use."""
    processes = _processes()
    trees = {pid: Usage() for pid in pids}
    for pid, process in processes.items():
        root = _root(pid, processes, trees)
        if root is None:
            continue
        tree = trees[root]
        tree.processes += 1
        tree.cpu_seconds += process.cpu_seconds
        tree.resident_bytes += process.resident_bytes
        with contextlib.suppress(OSError):  # it has just ended
            tree.open_fds += len(os.listdir(f"/proc/{pid}/fd"))
    return trees


def _root(pid: int, processes: dict[int, _Process], roots: Collection[int]) -> int | None:
    """Return whose tree a process is in: by its parents or, if they have ended, by its group."""
    ancestor = pid
    for _ in processes:
        if ancestor in roots:
            return ancestor
        if ancestor not in processes or ancestor == PID_1:
            break
        ancestor = processes[ancestor].parent
    group = processes[pid].group
    return group if group in roots else None


def _processes() -> dict[int, _Process]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                found[int(name)] = _read(name)
    return found


def _read(pid: str) -> _Process:
    with open(f"/proc/{pid}/stat", "rb") as file:
        # the name, which stands in parentheses, may hold anything
        fields = file.read().rpartition(b")")[2].split()
    # own time and that of children that were waited for
    ticks = sum(int(field) for field in fields[11:15])
    return _Process(
        parent=int(fields[1]),
        group=int(fields[2]),
        cpu_seconds=ticks / _TICKS_PER_SECOND,
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )
