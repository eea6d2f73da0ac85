"""PID 1: it stays up, and says what happened."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from eventually import eventually
from pid1 import Pid1

# Breaks one of PID 1's parts.
BREAK = """
    import supervisord.{module}
    def broken(*_):
        raise RuntimeError("broken on purpose")
    supervisord.{module}.{method} = broken
"""
# Makes it the parent of orphans, as PID 1 is.
SUBREAPER = """
    import ctypes
    PR_SET_CHILD_SUBREAPER = 36
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
"""


def connect(pid1: Pid1, name: str = "pebble") -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(pid1.run / f"{name}.sock"))
    return client


def answer(client: socket.socket) -> bytes:
    data = b""
    try:
        while part := client.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


@pytest.fixture
def squid(pid1: Pid1) -> Pid1:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    return pid1


@pytest.mark.parametrize(
    ("module", "method"),
    [
        ("restarts", "Restarts.on_state"),
        ("restarts", "Restarts.note_end"),
        ("order", "Order.release"),
        ("order", "Order.stop_next"),
        ("signals", "Signals.release"),
        ("pebble.services", "Services.advance"),
        ("plugin", "Plugin._running"),
        ("plugin", "Plugin._wake_in_time"),
        ("log.lines", "LineSplitter.feed"),
        ("log.supervisor_handler", "SupervisorHandler._pass_on"),
    ],
)
def test_a_part_that_fails_does_not_take_pid_1_down(pid1: Pid1, module: str, method: str) -> None:
    source = "sh -c 'while :; do echo line; sleep 0.1; done'"
    pid1.program("squid", source, pebble="proxy")
    pid1.start(BREAK.format(module=module, method=method))
    eventually(lambda: pid1.current("proxy"))
    pid1.popen_supervisorctl("restart", "squid")
    pid1.request("POST", "/v1/services", {"action": "restart", "services": ["proxy"]})
    time.sleep(1)
    assert pid1.current("proxy")
    assert pid1.stop() == 0
    assert pid1.says("RuntimeError: broken on purpose")
    assert len([line for line in pid1.said() if "broken on purpose" in line]) < 20


def test_an_error_in_supervisords_own_loop_is_survived(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start("""
        from supervisor.supervisord import Supervisor
        tick, times = Supervisor.tick, iter(range(100))
        def broken(self):
            if next(times) == 3:
                raise RuntimeError("broken on purpose")
            tick(self)
        Supervisor.tick = broken
    """)
    eventually(lambda: pid1.says("RuntimeError: broken on purpose"))
    assert pid1.current("proxy") == "active"
    assert pid1.stop() == 0


def test_a_part_that_fails_to_answer(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start(BREAK.format(module="pebble.services", method="Services.current"))
    eventually(lambda: pid1.request("GET", "/v1/services"))
    status, answered = pid1.request("GET", "/v1/services")
    assert (status, answered["result"]["message"]) == (500, "internal error")
    eventually(lambda: pid1.says("RuntimeError: broken on purpose"))


def test_rubbish_from_clients(squid: Pid1) -> None:
    for rubbish in (
        b"\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/services HTTP/9.9\r\n\r\n",
        b"GET /v1/services?names=%ff%00 HTTP/1.1\r\n\r\n",
        b"GET /v1/changes/%2e%2e/wait?timeout=-1s HTTP/1.1\r\n\r\n",
        b"POST /v1/services HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/services HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/services HTTP/1.1\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd",
        b"POST /v1/services HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]",
        b"POST /v1/services HTTP/1.1\r\nContent-Length: 8\r\n\r\n[[[[[[[[",
        b"POST /RPC2 HTTP/1.1\r\nContent-Length: 6\r\n\r\n<a></b>"[:-1],
        b"POST /RPC2 HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"X: " + b"y" * 5000,
    ):
        for name in ("pebble", "supervisor"):
            with connect(squid, name) as client:
                client.sendall(rubbish)
                client.shutdown(socket.SHUT_WR)
                answer(client)
    assert squid.current("proxy") == "active"
    assert squid.process
    assert squid.process.poll() is None


def test_broken_bodies_are_answered(squid: Pid1) -> None:
    for body in (
        "@",
        "[]",
        '"text"',
        "{}",
        '{"action": "start", "services": "proxy"}',
        "[" * 60000,
    ):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = connect(squid)
        connection.request("POST", "/v1/services", body)
        response = connection.getresponse()
        assert response.status == 400
        assert json.loads(response.read())["result"]["message"]
        connection.close()


def test_oversized_requests_are_refused(squid: Pid1) -> None:
    with connect(squid) as client:
        client.sendall(b"POST /v1/services HTTP/1.1\r\nContent-Length: 70000\r\n\r\n")
        assert b" 413 " in client.recv(1000)
    for name, head in (("pebble", b"GET /"), ("supervisor", b"POST /RPC2 HTTP/1.1\r\n")):
        with connect(squid, name) as client:
            try:
                client.sendall(head)
                for _ in range(64):
                    client.sendall(b"x" * 65536)
                assert b" 413 " in answer(client)
            except BrokenPipeError:
                pass  # it had answered, and closed, before all was sent
    assert squid.process
    status = Path(f"/proc/{squid.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 80_000  # kB


def test_stalled_clients_are_waited_for_by_nobody(squid: Pid1) -> None:
    stalled = [connect(squid) for _ in range(200)]
    for number, client in enumerate(stalled):
        client.sendall(
            (b"GET /v1/serv", b"POST /v1/services HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")[
                number % 2
            ]
        )
    begun = time.monotonic()
    for _ in range(100):
        assert squid.current("proxy") == "active"
    assert time.monotonic() - begun < 5
    # and in the end they are gone: 30 s, looked at each 5 s
    for client in stalled:
        client.settimeout(45)
    assert answer(stalled[0]) == b""
    for client in stalled:
        client.close()


def test_those_who_have_followed_a_log_leave_nothing_open(squid: Pid1) -> None:
    assert squid.process
    descriptors = f"/proc/{squid.process.pid}/fd"
    before = len(os.listdir(descriptors))
    for _ in range(20):
        with connect(squid, "supervisor") as client:
            client.sendall(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
            assert b" 200 " in client.recv(1000)
    eventually(lambda: len(os.listdir(descriptors)) <= before)


def test_thousands_of_connections_leave_room_for_new_ones(squid: Pid1) -> None:
    idle = [connect(squid) for _ in range(600)]
    assert squid.current("proxy") == "active"
    assert squid.process
    assert len(os.listdir(f"/proc/{squid.process.pid}/fd")) < 300
    for client in idle:
        client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_other_users_are_refused(squid: Pid1) -> None:
    for directory in (squid.run, squid.directory, *squid.directory.parents):
        if directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    script = """
        import socket, sys
        client = socket.socket(socket.AF_UNIX)
        client.connect(sys.argv[1])
        client.sendall(b"GET /v1/system-info HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        print(client.recv(1000).decode())
    """
    for name in ("pebble", "supervisor"):
        path = squid.run / f"{name}.sock"
        path.chmod(0o777)
        program = Path(squid.python("other", script).split()[-1]).read_text()
        for uid, status in ((12345, "401 Unauthorized"), (0, "HTTP/1.1 ")):
            said = subprocess.run(
                [
                    "setpriv",
                    f"--reuid={uid}",
                    "--clear-groups",
                    "/usr/bin/python3",
                    "-c",
                    program,
                    path,
                ],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert status in said
            assert ("access denied" in said) == (uid != 0)


def test_thousands_of_orphans_are_reaped_at_once(pid1: Pid1) -> None:
    source = """
        import os, time
        begun = time.monotonic()
        for _ in range(2000):
            if not os.fork():
                if not os.fork():
                    time.sleep(max(begun + 4 - time.monotonic(), 0))
                os._exit(0)
            os.wait()
        print("made", flush=True)
        time.sleep(1000)
    """
    pid1.program("orphans", pid1.python("orphans", source))
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start(SUBREAPER)
    assert pid1.process
    children = Path(f"/proc/{pid1.process.pid}/task/{pid1.process.pid}/children")
    eventually(lambda: pid1.says("made", "orphans"), 30)
    eventually(lambda: len(children.read_text().split()) == 2, 8)
    assert pid1.current("proxy") == "active"
    assert len(pid1.said()) < 10


def cpu_seconds(pid1: Pid1) -> float:
    assert pid1.process
    stat = Path(f"/proc/{pid1.process.pid}/stat").read_text()
    user, system = stat.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / 100


def test_a_fork_that_fails_costs_nothing_but_the_program(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start("""
        import errno, os
        def fork():
            raise OSError(errno.EAGAIN, "no more")
        os.fork = fork
    """)
    eventually(lambda: pid1.says("pids_limit"))
    before, begun = cpu_seconds(pid1), time.monotonic()
    for _ in range(100):
        assert pid1.current("proxy") == "backoff"
    time.sleep(2)
    assert cpu_seconds(pid1) - before < 0.5 * (time.monotonic() - begun)
    assert pid1.said("squid") == []


def test_a_reader_that_dies_while_it_stalls_costs_nothing(pid1: Pid1) -> None:
    source = "import time; print(('x' * 99 + '\\n') * 5000, flush=True); time.sleep(1000)"
    pid1.program("flood", pid1.python("flood", source), autostart="false")
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start()
    assert pid1.reader
    eventually(lambda: pid1.current("proxy") == "active")
    pid1.reader.send_signal(signal.SIGSTOP)
    pid1.supervisorctl("start", "flood")  # more than the pipe takes
    pid1.reader.kill()
    time.sleep(1)
    before = cpu_seconds(pid1)
    time.sleep(2)
    assert cpu_seconds(pid1) - before < 0.5
    assert pid1.current("proxy") == "active"


def test_a_stop_during_a_reload_is_not_lost(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    for milliseconds in (0, 1, 2, 3, 5, 8, 12, 20, 40):
        pid1.start()
        eventually(lambda: pid1.current("proxy") == "active")
        pid1.send(signal.SIGHUP)
        time.sleep(milliseconds / 1000)
        pid1.send(signal.SIGTERM)
        assert pid1.wait(10) == 0


def test_many_reloads_leak_nothing(pid1: Pid1) -> None:
    pid1.program("squid", "sh -c 'echo runs; sleep 0.05'", autorestart="true", pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy"))
    assert pid1.process
    descriptors = Path(f"/proc/{pid1.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for count in range(2, 17):
        pid1.send(signal.SIGHUP)
        eventually(lambda n=count: pid1.said().count("squid starts") >= n)  # type: ignore[misc]
    eventually(lambda: pid1.current("proxy"))
    assert len(list(descriptors.iterdir())) <= before + 3
    assert "Bad file descriptor" not in pid1.text()
    assert "Traceback" not in pid1.text()


def test_a_signal_does_not_kill_who_is_too_young_for_it(pid1: Pid1) -> None:
    source = """
        import signal, time
        time.sleep(5)  # older than most, and still without a handler
        signal.signal(signal.SIGHUP, lambda *_: print("reloaded", flush=True))
        while True:
            time.sleep(1000)
    """
    pid1.program("squid", pid1.python("young", source), pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    assert "squid: signalled" in pid1.supervisorctl("signal", "HUP", "squid")
    eventually(lambda: pid1.says("reloaded", "squid"))
    assert pid1.said().count("squid starts") == 1


def test_regiond_cannot_work_against_a_stop(pid1: Pid1) -> None:
    source = """
        import signal, sys, time
        def end(*_):
            time.sleep(2)
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        time.sleep(1000)
    """
    pid1.program("regiond", pid1.python("slow", source), priority=900)
    pid1.program("squid", "sleep 1000", pebble="proxy", autostart="false", priority=500)
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "inactive")
    eventually(lambda: "RUNNING" in pid1.supervisorctl("status", "regiond"))
    pid1.send(signal.SIGTERM)
    eventually(lambda: pid1.says("received SIGTERM"))
    start = {"action": "start", "services": ["proxy"]}
    status, answered = pid1.request("POST", "/v1/services", start)
    assert status == 400
    assert "the container is stopping" in answered["result"]["message"]
    assert pid1.wait() == 0
    assert not pid1.says("squid starts")
