"""PID 1 on real supervisord: order, giving up, secrets, the Pebble API, stopping."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

ROOT = Path(__file__).parents[2]


class Pid1:
    """supervisord with program files of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run = directory / "run"
        (directory / "programs").mkdir()
        shipped = (ROOT / "supervisord/supervisord.conf").read_text()
        self.configuration = directory / "supervisord.conf"
        self.configuration.write_text(shipped.replace("/run/maas", str(self.run)))
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def program(self, name: str, command: str, **keys: object) -> None:
        entry = [f"[program:{name}]", f"command={command}"]
        entry += [f"{key}={value}" for key, value in keys.items()]
        entry += ["stdout_logfile=/dev/stdout", "stdout_logfile_maxbytes=0", "redirect_stderr=true"]
        (self.directory / f"programs/{name}.conf").write_text("\n".join(entry) + "\n")

    def start(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisord", str(self.configuration)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # A pipe, as Docker gives it: programs open /dev/stdout anew.
        with self.log.open("wb") as log:
            subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=log)

    def wait(self, timeout: float = 20) -> int:
        assert self.process
        return self.process.wait(timeout)

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def text(self) -> str:
        return self.log.read_text()

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.run / "pebble.sock"))
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def current(self, service: str) -> str:
        _, answer = self.request("GET", f"/v1/services?names={service}")
        return str(answer["result"][0]["current"])

    def act(self, action: str, service: str) -> Any:
        """Ask as MAAS does: then poll the change, at most for 10 s."""
        status, answer = self.request(
            "POST", "/v1/services", {"action": action, "services": [service]}
        )
        assert status == 202
        assert answer["type"] == "async"
        assert answer["result"] is None
        for _ in range(100):
            _, change = self.request("GET", f"/v1/changes/{answer['change']}")
            if change["result"]["ready"]:
                return change["result"]
            time.sleep(0.1)
        raise AssertionError("the change took more than 10 s")


@pytest.fixture
def pid1(tmp_path: Path) -> Iterator[Pid1]:
    pid1 = Pid1(tmp_path)
    yield pid1
    if pid1.process and pid1.process.poll() is None:
        assert pid1.stop() == 0


def init(pid1: Pid1, command: str) -> None:
    pid1.program("init", command, essential="true", startsecs=0, autorestart="false", priority=20)


def python(directory: Path, name: str, source: str) -> str:
    path = directory / f"{name}.py"
    path.write_text(textwrap.dedent(source))
    return f"{sys.executable} -I -S {path}"


def test_nothing_is_started_before_init_has_ended_well(pid1: Pid1) -> None:
    init(pid1, "sh -c 'sleep 1; echo init has ended'")
    pid1.program("service", "sh -c 'echo service begins; exec sleep 1000'", needs="init")
    pid1.start()
    eventually(lambda: "service begins" in pid1.text())
    assert pid1.text().index("init has ended") < pid1.text().index("service begins")


@pytest.mark.parametrize(("status", "expected"), [(78, 78), (73, 73), (3, 75)])
def test_a_failed_init_ends_the_container_with_its_status(
    pid1: Pid1, status: int, expected: int
) -> None:
    init(pid1, f"sh -c 'exit {status}'")
    pid1.program("other", "sleep 1000")
    pid1.program("service", "sh -c 'echo service begins'", needs="init")
    pid1.start()
    assert pid1.wait() == expected
    assert "service begins" not in pid1.text()


def test_an_init_that_is_killed_ends_the_container(pid1: Pid1) -> None:
    init(pid1, "sh -c 'kill -9 $$'")
    pid1.start()
    assert pid1.wait() == 75


def test_an_essential_program_that_cannot_run_ends_the_container(pid1: Pid1) -> None:
    pid1.program("regiond", "false", essential="true", startretries=1)
    pid1.start()
    assert pid1.wait() == 75


def test_a_program_waits_for_a_socket_that_accepts(pid1: Pid1) -> None:
    path = pid1.directory / "worker.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))  # exists, but nobody listens
    pid1.program("front", "sh -c 'echo front begins; exec sleep 1000'", needs=path)
    pid1.start()
    time.sleep(1.5)
    assert "front begins" not in pid1.text()
    stale.listen()
    eventually(lambda: "front begins" in pid1.text(), 3)


def test_without_its_configuration_a_program_is_left_to_maas(pid1: Pid1) -> None:
    file = pid1.directory / "proxy.conf"
    pid1.program("squid", "sleep 1000", pebble="proxy", configuration=file)
    pid1.start()
    eventually(lambda: "squid waits to be asked for" in pid1.text())
    assert pid1.current("proxy") == "inactive"
    file.touch()
    assert pid1.act("start", "proxy")["status"] == "Done"
    assert pid1.current("proxy") == "active"
    assert "regiond asks to start squid (proxy)" in pid1.text()


def test_a_request_waits_for_a_configuration_that_comes_a_moment_later(pid1: Pid1) -> None:
    file = pid1.directory / "rsyslog.conf"
    pid1.program(
        "rsyslog", f"sh -c 'cat {file} && exec sleep 1000'", pebble="syslog", configuration=file
    )
    pid1.start()
    eventually(lambda: pid1.current("syslog") == "inactive")
    writer = threading.Timer(0.5, file.touch)
    writer.start()
    assert pid1.act("restart", "syslog")["status"] == "Done"
    assert pid1.current("syslog") == "active"
    assert "exited: rsyslog" not in pid1.text()
    file.unlink()
    assert pid1.act("start", "syslog")["status"] == "Done"  # it runs, and needs no file for that
    failed = pid1.act("restart", "syslog")
    assert (failed["status"], failed["err"]) == (
        "Error",
        f"cannot start rsyslog: MAAS has not written {file}",
    )
    assert pid1.current("syslog") == "inactive"


def test_secrets_reach_only_the_programs_that_name_them(pid1: Pid1) -> None:
    pid1.program(
        "init",
        """sh -c 'echo init: "$POSTGRES_PASSWORD"'""",
        startsecs=0,
        autorestart="false",
        secrets="POSTGRES_PASSWORD",
    )
    pid1.program("other", "sh -c 'echo other: $(env); exec sleep 1000'", needs="init")
    pid1.start(POSTGRES_PASSWORD="p-1", MAAS_ADMIN_PASSWORD="p-2")
    eventually(lambda: "other:" in pid1.text())
    assert "init: p-1" in pid1.text()
    assert pid1.text().count("p-1") == 1
    assert "p-2" not in pid1.text()
    assert pid1.stop() == 0


def test_stopping_is_quick_in_order_of_priority_and_ends_with_0(pid1: Pid1) -> None:
    source = """
        import signal, sys, time
        def end(*_):
            print(sys.argv[1], "stops", flush=True)
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        print(sys.argv[1], "runs", flush=True)
        time.sleep(1000)
    """
    command = python(pid1.directory, "service", source)
    for name, priority in (("monitor", 10), ("regiond", 900), ("nginx", 500)):
        pid1.program(name, f"{command} {name}", priority=priority)
    pid1.start()
    eventually(lambda: pid1.text().count(" runs") == 3)
    begun = time.monotonic()
    assert pid1.stop() == 0
    assert time.monotonic() - begun < 5
    stops = [line.split()[0] for line in pid1.text().splitlines() if line.endswith(" stops")]
    assert stops == ["regiond", "nginx", "monitor"]


def test_pebble_states_and_changes(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy", autostart="false")
    pid1.program("nginx", "false", pebble="http", autostart="false")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "inactive")
    assert pid1.act("restart", "proxy")["status"] == "Done"
    assert pid1.current("proxy") == "active"
    assert pid1.act("start", "proxy")["status"] == "Done"  # already
    assert pid1.act("stop", "proxy")["status"] == "Done"
    assert pid1.current("proxy") == "inactive"
    assert pid1.act("stop", "proxy")["status"] == "Done"  # already
    failed = pid1.act("start", "http")
    assert failed["status"] == "Error"
    assert "cannot start nginx" in failed["err"]
    assert pid1.current("http") in ("backoff", "error")


def test_pebble_refusals(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy", autostart="false")
    pid1.start()
    eventually(lambda: pid1.current("proxy"))
    assert pid1.request("GET", "/v1/services?names=ntp")[1]["result"] == []
    start = {"action": "start", "services": ["ntp"]}
    for path, body in (
        ("/v1/services", start),
        ("/v1/services", {"action": "fly", "services": ["proxy"]}),
        ("/v1/services", ["rubbish"]),
        ("/v1/services", {"action": "start", "services": []}),
        ("/v1/signals", {"signal": "SIGHUP", "services": ["proxy"]}),  # does not run
        ("/v1/signals", {"signal": "SIGNONSENSE", "services": ["proxy"]}),
    ):
        status, answer = pid1.request("POST", path, body)
        assert (status, answer["type"]) == (400, "error")
        assert answer["result"]["message"]
    assert pid1.request("GET", "/v1/changes/99")[0] == 404
    assert pid1.request("GET", "/v1/nonsense")[0] == 404
    assert pid1.request("DELETE", "/v1/services")[0] == 405


def test_a_sighup_waits_until_the_program_is_old_enough(pid1: Pid1) -> None:
    source = """
        import signal, time
        time.sleep(1)  # until now a SIGHUP would kill it
        signal.signal(signal.SIGHUP, lambda *_: print("reloaded", flush=True))
        while True:
            time.sleep(1000)
    """
    pid1.program("squid", python(pid1.directory, "young", source), pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    status, _ = pid1.request("POST", "/v1/signals", {"signal": "SIGHUP", "services": ["proxy"]})
    assert status == 200
    eventually(lambda: "reloaded" in pid1.text())
    assert pid1.current("proxy") == "active"
    assert pid1.text().count("spawned: 'squid'") == 1


def test_requests_at_the_same_time_are_carried_out_one_after_another(pid1: Pid1) -> None:
    names = ("http", "proxy", "bind9")
    for name in names:
        pid1.program(name, "sleep 1000", pebble=name, autostart="false")
    pid1.start()
    eventually(lambda: pid1.current("http"))
    wanted = [("start", name) for name in names] * 2 + [("restart", "proxy")] * 2
    with ThreadPoolExecutor(len(wanted)) as pool:
        results = list(pool.map(lambda w: pid1.act(*w), wanted))
    assert {result["status"] for result in results} == {"Done"}
    assert [pid1.current(name) for name in names] == ["active"] * 3


def test_a_service_counts_as_active_while_it_is_restarted(pid1: Pid1) -> None:
    source = (
        "import signal, time\nsignal.signal(15, lambda *_: (time.sleep(1), exit()))\nsignal.pause()"
    )
    pid1.program("chrony", python(pid1.directory, "slow", source), pebble="ntp")
    pid1.start()
    eventually(lambda: "success: chrony" in pid1.text())
    _, answer = pid1.request("POST", "/v1/services", {"action": "restart", "services": ["ntp"]})
    change = f"/v1/changes/{answer['change']}"
    seen = set()
    while not pid1.request("GET", change)[1]["result"]["ready"]:
        seen.add(pid1.current("ntp"))
    assert seen == {"active"}
    assert pid1.current("ntp") == "active"


def test_a_restart_that_has_to_wait_does_not_count_as_active(pid1: Pid1) -> None:
    file = pid1.directory / "chrony.conf"
    pid1.program("chrony", "sleep 1000", pebble="ntp", configuration=file)
    pid1.start()
    eventually(lambda: pid1.current("ntp") == "inactive")
    for action in ("start", "restart"):
        pid1.request("POST", "/v1/services", {"action": action, "services": ["ntp"]})
    time.sleep(0.5)
    assert pid1.current("ntp") == "inactive"
    file.touch()
    eventually(lambda: pid1.text().count("spawned: 'chrony'") == 2, 10)


def test_supervisorctl_does_not_hang_when_maas_starts_what_it_stops(pid1: Pid1) -> None:
    source = """
        import signal, time
        def end(*_):
            time.sleep(1)
            raise SystemExit
        signal.signal(signal.SIGTERM, end)
        time.sleep(1000)
    """
    pid1.program("squid", python(pid1.directory, "slow", source), pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    command = [
        *(sys.executable, "-m", "supervisor.supervisorctl"),
        *("-s", f"unix://{pid1.run}/supervisor.sock", "stop", "squid"),
    ]
    supervisorctl = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: pid1.current("proxy") == "inactive")  # it is stopping
        assert pid1.act("start", "proxy")["status"] == "Done"
        assert supervisorctl.wait(5) == 0
    finally:
        supervisorctl.kill()
    assert pid1.current("proxy") == "active"


def test_sighup_starts_everything_anew(pid1: Pid1) -> None:
    init(pid1, "sh -c 'echo init: $POSTGRES_PASSWORD'")
    with (pid1.directory / "programs/init.conf").open("a") as file:
        file.write("secrets=POSTGRES_PASSWORD\n")
    pid1.program("service", "sh -c 'echo service begins; exec sleep 1000'", needs="init")
    pid1.start(POSTGRES_PASSWORD="p-1")
    for round_ in (1, 2, 3):
        eventually(lambda count=round_: pid1.text().count("service begins") == count)
        assert pid1.text().count("init: p-1") == round_
        assert pid1.process
        if round_ < 3:
            pid1.process.send_signal(signal.SIGHUP)
    assert pid1.stop() == 0


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"need": "init"}, "unknown key need; did you mean needs?"),
        ({"needs": "nobody"}, "service needs nobody, which is not among"),
        ({"needs": "service"}, "service -> service need each other"),
    ],
)
def test_a_program_file_with_a_mistake_ends_with_78(
    pid1: Pid1, keys: dict[str, str], complaint: str
) -> None:
    pid1.program("service", "sh -c 'echo service begins'", **keys)
    pid1.start()
    assert pid1.wait() == 78
    assert complaint in pid1.text()
    assert "service begins" not in pid1.text()


def test_a_run_directory_that_cannot_be_made_ends_with_73(pid1: Pid1) -> None:
    (pid1.directory / "run").write_text("in the way")
    pid1.start()
    assert pid1.wait() == 73
    assert "cannot write" in pid1.text()
    assert "Traceback" not in pid1.text()


def test_a_value_that_supervisord_refuses_ends_with_78(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000", startsecs="abc")
    pid1.start()
    assert pid1.wait() == 78


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a PID namespace")
def test_sigterm_in_the_first_moment_is_not_lost(pid1: Pid1) -> None:
    """As PID 1 of a namespace, where the kernel drops signals that have no handler."""
    pid1.program("service", "sleep 1000")
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-m", "supervisord"]
    with subprocess.Popen(
        [*command, str(pid1.configuration)], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as unshare:
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        eventually(lambda: children.read_text().strip())
        child = int(children.read_text())

        def handles_sigterm() -> bool:
            status = Path(f"/proc/{child}/status").read_text()
            return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> signal.SIGTERM - 1 & 1)

        begun = time.monotonic()
        while not handles_sigterm():
            assert time.monotonic() - begun < 15
        os.kill(child, signal.SIGTERM)
        assert unshare.wait(10) == 0
