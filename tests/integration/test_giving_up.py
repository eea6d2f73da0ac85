"""PID 1: which failures end the container, and with which status."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from eventually import eventually
from pid1 import ROOT, Pid1


@pytest.mark.parametrize(("status", "expected"), [(78, 78), (73, 73), (3, 75)])
def test_a_failed_init_ends_the_container_with_its_status(
    pid1: Pid1, status: int, expected: int
) -> None:
    pid1.init(f"sh -c 'exit {status}'")
    pid1.program("other", "sleep 1000")
    pid1.program("service", "sh -c 'echo service begins'", needs="init")
    pid1.start()
    assert pid1.wait() == expected
    assert "service begins" not in pid1.text()
    assert pid1.says(f"init has failed: exit status {status}")


def test_a_failed_init_ends_it_with_nothing_else_running(pid1: Pid1) -> None:
    pid1.init("sh -c 'exit 69'")
    begun = time.monotonic()
    pid1.start()
    assert pid1.wait() == 69
    assert time.monotonic() - begun < 3


def test_an_init_that_is_killed_ends_the_container(pid1: Pid1) -> None:
    pid1.init("sh -c 'kill -9 $$'")
    pid1.start()
    assert pid1.wait() == 75
    assert pid1.says("SIGKILL (perhaps out of memory)")


def test_an_essential_program_that_always_fails_ends_the_container(pid1: Pid1) -> None:
    pid1.program("regiond", "sh -c 'echo no database >&2; exit 3'", essential="true")
    pid1.program("other", "sleep 1000")
    pid1.start()
    assert pid1.wait(30) == 75
    [reason] = [line for line in pid1.said() if "exit status 75" in line and "given" not in line][
        :1
    ]
    assert "regiond has failed 5 times" in reason
    assert "exit status 3; its last line: no database" in reason
    assert pid1.text().index("regiond has failed 5 times") < pid1.text().index("other has stopped")


def test_an_essential_program_that_is_not_there_ends_the_container(pid1: Pid1) -> None:
    pid1.program("regiond", "/nonexistent/regiond", essential="true")
    pid1.start()
    assert pid1.wait(30) == 75
    assert pid1.says("can't find command '/nonexistent/regiond'")


def test_another_program_that_always_fails_does_not(pid1: Pid1) -> None:
    pid1.program("squid", "false")
    pid1.start()
    eventually(lambda: pid1.says("(failure 5)"), 30)
    assert pid1.stop() == 0


def test_a_stop_on_request_ends_with_0_whatever_the_programs_say(pid1: Pid1) -> None:
    pid1.init("sh -c 'sleep 1000'")  # ended by a signal, by us
    pid1.program("regiond", "sh -c 'trap \"exit 3\" TERM; while :; do sleep 0.1; done'")
    pid1.start()
    eventually(lambda: pid1.says("regiond starts"))
    assert pid1.stop() == 0


def test_a_run_directory_that_cannot_be_made_ends_with_73(pid1: Pid1) -> None:
    pid1.run.write_text("in the way")
    pid1.start()
    assert pid1.wait() == 73
    assert "cannot write" in pid1.text()
    assert "Traceback" not in pid1.text()


MASKS = ("SigBlk", "SigCgt")  # proc(5): signals that are blocked, and those that have a handler


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a PID namespace")
def test_sigterm_in_the_first_moment_is_not_lost(pid1: Pid1) -> None:
    """As PID 1 of a namespace, where the kernel drops signals that have no handler."""
    pid1.program("service", "sleep 1000")
    (shipped,) = re.findall(r"^CMD (\[.+\])$", (ROOT / "Dockerfile").read_text(), re.M)
    *before, _python, _isolated, _m, module = json.loads(shipped)
    command = ["unshare", "--pid", "--fork", "--kill-child", *before, sys.executable, "-m", module]
    with subprocess.Popen(
        [*command, str(pid1.configuration)], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as unshare:
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        eventually(lambda: children.read_text().strip())
        child = int(children.read_text())

        def keeps_sigterm() -> bool:
            """Say whether it is what the image starts, in which Python has hardly begun."""
            if Path(f"/proc/{child}/cmdline").read_text().startswith("unshare"):
                return False  # which blocks signals, too, and lets them come again
            status = Path(f"/proc/{child}/status").read_text()
            masks = (int(status.split(f"{name}:")[1].split()[0], 16) for name in MASKS)
            return any(mask >> signal.SIGTERM - 1 & 1 for mask in masks)

        try:
            begun = time.monotonic()
            while not keeps_sigterm():
                assert time.monotonic() - begun < 15
            os.kill(child, signal.SIGTERM)
            assert unshare.wait(10) == 0
        finally:
            unshare.kill()
