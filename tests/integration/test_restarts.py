"""PID 1: what fails is started again."""

import os
import signal
import time

from eventually import eventually
from pid1 import Pid1
from unused_port import unused_port


def test_the_first_failure_is_mended_at_once(pid1: Pid1) -> None:
    pid1.program("service", "sh -c 'echo runs; exec sleep 1000'", autorestart="true")
    pid1.start()
    pid = pid1.pid("service")
    time.sleep(1.5)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(pid1.said("service")) == 2)
    assert pid1.stamp("service starts") - pid1.stamp("service failed") < 0.2
    eventually(
        lambda: pid1.says("terminated by SIGKILL (perhaps out of memory). Starting it again")
    )
    eventually(lambda: "failed once, last: terminated by SIGKILL" in pid1.supervisorctl("status"))


def test_each_further_one_later_and_status_tells(pid1: Pid1) -> None:
    pid1.program("service", "sh -c 'echo no disk >&2; exit 1'", autorestart="true")
    pid1.start()
    eventually(lambda: "BACKOFF" in pid1.supervisorctl("status"))
    eventually(lambda: "failed 4 times, next start " in pid1.supervisorctl("status"), 20)
    assert "exit status 1; its last line: no disk" in pid1.supervisorctl("status")
    delays = [
        float(line.split(" in ")[1].split()[0]) for line in pid1.said() if "Starting it" in line
    ]
    for delay, longest in zip(delays, (0.5, 1, 2, 4), strict=False):
        assert 0.75 * longest - 0.1 <= delay <= longest + 0.1


def test_what_a_killed_program_leaves_behind_is_ended(pid1: Pid1) -> None:
    """As a killed nginx its workers, which hold its port."""
    source = """
        import os, socket, time
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", {port}))
        server.listen()
        print("master" if os.fork() else "worker", flush=True)
        time.sleep(1000)
    """
    command = pid1.python("nginx", source.format(port=unused_port()))
    pid1.program("nginx", command, autorestart="true", killasgroup="true")
    pid1.start()
    eventually(lambda: len(pid1.said("nginx")) == 2)
    os.kill(pid1.pid("nginx"), signal.SIGKILL)
    eventually(lambda: pid1.said("nginx").count("worker") == 2)
    assert not pid1.says("Address already in use", "nginx")


def test_last_words_in_colour_or_of_any_length_do_not_break_status(pid1: Pid1) -> None:
    source = """
        import sys
        print("\\033[31mno disk\\033[0m\\x01 " + "x" * 20000, file=sys.stderr)
        sys.exit(3)
    """
    pid1.program("service", pid1.python("service", source))
    pid1.start()
    eventually(lambda: "its last line: no disk\ufffd xxx" in pid1.supervisorctl("status"))
    assert len(pid1.supervisorctl("status")) < 500


def test_stopping_ends_the_waiting(pid1: Pid1) -> None:
    pid1.program("service", "false", autorestart="true")
    pid1.start()
    eventually(lambda: pid1.says("(failure 4)"), 20)
    assert "stopped" in pid1.supervisorctl("stop", "service")
    count = len(pid1.said())
    time.sleep(5)
    assert "service starts" not in pid1.said()[count:]


def test_many_that_fail_at_once_all_come_back(pid1: Pid1) -> None:
    for number in range(20):
        pid1.program(f"s{number}", "sleep 1000", autorestart="true")
    pid1.start()
    eventually(lambda: pid1.supervisorctl("status").count("RUNNING") == 20)
    processes = pid1.xmlrpc().supervisor.getAllProcessInfo()
    for process in processes:
        os.kill(process["pid"], signal.SIGKILL)
    eventually(lambda: pid1.supervisorctl("status").count("failed once") == 20)


def test_a_stop_within_milliseconds_of_a_start_is_not_lost(pid1: Pid1) -> None:
    """A child between fork and exec must not take SIGTERM with PID 1's handlers."""
    pid1.program("service", "sleep 1000", stopwaitsecs=30, autostart="false", startsecs=0)
    pid1.start()
    eventually(lambda: "STOPPED" in pid1.supervisorctl("status"))
    supervisor = pid1.xmlrpc().supervisor
    begun = time.monotonic()
    for _ in range(100):
        supervisor.startProcess("service", False)
        supervisor.stopProcess("service", True)
    assert time.monotonic() - begun < 25


def test_restarts_and_exits_are_counted_by_their_kind(pid1: Pid1) -> None:
    pid1.program("killed", "sleep 1000", autorestart="true")
    pid1.program("failing", "sh -c 'exit 3'", autorestart="true")
    pid1.program("stopped", "sleep 1000", autorestart="true")
    pid1.program("missing", "/nowhere/program", autorestart="true")
    pid1.init("true")
    pid1.start()
    time.sleep(1.5)
    os.kill(pid1.pid("killed"), signal.SIGKILL)
    pid1.supervisorctl("restart", "stopped")
    published = pid1.xmlrpc().plugin
    eventually(lambda: published.getRestarts()["killed"] == 1)
    eventually(lambda: published.getExits()["missing"]["not_started"] > 1)
    exits: dict[str, dict[str, int]] = published.getExits()  # type: ignore[assignment]
    restarts: dict[str, int] = published.getRestarts()  # type: ignore[assignment]

    def kinds(name: str) -> dict[str, int]:
        return {kind: count for kind, count in exits[name].items() if count}

    assert kinds("killed") == {"signal": 1}
    assert kinds("stopped") == {"requested": 1}
    assert kinds("init") == {"success": 1}
    assert set(kinds("failing")) == {"error"}
    assert set(kinds("missing")) == {"not_started"}
    # on request is no restart
    assert (restarts["stopped"], restarts["init"]) == (0, 0)
    assert restarts["failing"] >= 1
