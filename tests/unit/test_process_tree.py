"""What programs use, counted on real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from eventually import eventually

from healthcheck.process_tree import usage

TREE = """
import os, sys, time
data = bytearray(40 * 2**20)
if os.fork() == 0:
    os.open("/dev/null", os.O_RDONLY)
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
time.sleep(60)
"""
ORPHAN = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        os.killpg(process.pid, 9)
        process.wait()


def start(started: list[subprocess.Popen[bytes]], source: str) -> int:
    started.append(subprocess.Popen([sys.executable, "-c", source], start_new_session=True))
    return started[-1].pid


def test_a_tree_is_counted_whole(started: list[subprocess.Popen[bytes]]) -> None:
    pid = start(started, TREE)
    eventually(lambda: usage([pid])[pid].cpu_seconds >= 0.5)
    tree = usage([pid])[pid]
    assert tree.processes == 2
    assert tree.resident_bytes > 80 * 2**20
    assert tree.open_fds == sum(len(os.listdir(f"/proc/{p}/fd")) for p in (pid, _child(pid)))


def test_an_orphan_is_found_by_its_group(started: list[subprocess.Popen[bytes]]) -> None:
    pid = start(started, ORPHAN)
    eventually(lambda: usage([pid])[pid].processes == 2)


def test_others_are_not_counted_and_who_is_gone_uses_nothing() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        time.sleep(0.1)
        gone = 2**22 + 1
        assert usage([other.pid, gone])[other.pid].processes == 1
        assert usage([gone])[gone].processes == 0
        other.kill()


def _child(pid: int) -> int:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read())
