"""PID 1: the Pebble API as MAAS uses it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from eventually import eventually
from pid1 import Pid1


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
    assert "rsyslog failed" not in pid1.text()
    file.unlink()
    assert pid1.act("start", "syslog")["status"] == "Done"  # it runs, and needs no file for that
    failed = pid1.act("restart", "syslog")
    assert (failed["status"], failed["err"]) == (
        "Error",
        'cannot perform the following tasks:\n- Start service "syslog"'
        f" (cannot start rsyslog: MAAS has not written {file})",
    )
    assert pid1.current("syslog") == "inactive"


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
    for path, body, expected in (
        ("/v1/services", start, 400),
        ("/v1/services", {"action": "fly", "services": ["proxy"]}, 400),
        ("/v1/services", ["rubbish"], 400),
        ("/v1/services", {"action": "start", "services": []}, 400),
        ("/v1/signals", {"signal": "SIGHUP", "services": ["proxy"]}, 500),  # does not run
        ("/v1/signals", {"signal": "SIGNONSENSE", "services": ["proxy"]}, 500),
    ):
        status, answer = pid1.request("POST", path, body)
        assert (status, answer["type"]) == (expected, "error")
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
    pid1.program("squid", pid1.python("young", source), pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    status, _ = pid1.request("POST", "/v1/signals", {"signal": "SIGHUP", "services": ["proxy"]})
    assert status == 200
    eventually(lambda: "reloaded" in pid1.text())
    assert pid1.current("proxy") == "active"
    assert pid1.said().count("squid starts") == 1


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
    pid1.program("chrony", pid1.python("slow", source), pebble="ntp")
    pid1.start()
    eventually(lambda: "RUNNING" in pid1.supervisorctl("status"))
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
    eventually(lambda: pid1.said().count("chrony starts") == 2, 10)


def test_supervisorctl_does_not_hang_when_maas_starts_what_it_stops(pid1: Pid1) -> None:
    source = """
        import signal, time
        def end(*_):
            time.sleep(1)
            raise SystemExit
        signal.signal(signal.SIGTERM, end)
        time.sleep(1000)
    """
    pid1.program("squid", pid1.python("slow", source), pebble="proxy")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    supervisorctl = pid1.popen_supervisorctl("stop", "squid")
    try:
        eventually(lambda: pid1.current("proxy") == "inactive")  # it is stopping
        assert pid1.act("start", "proxy")["status"] == "Done"
        assert supervisorctl.wait(5) == 0
    finally:
        supervisorctl.kill()
    assert pid1.current("proxy") == "active"
