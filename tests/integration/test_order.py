"""PID 1: what is started after what, and stopped before what."""

import re
import socket
import time

import pytest
from eventually import eventually
from pid1 import ROOT, Pid1

from supervisord import program_file

# Says when it runs and when it ends; how long its end takes.
SERVICE = """
    import signal, sys, time
    def end(*_):
        print("stops", flush=True)
        time.sleep(float(sys.argv[1]))
        print("ends", flush=True)
        sys.exit()
    signal.signal(signal.SIGTERM, end)
    print("runs", flush=True)
    while True:
        time.sleep(1000)
"""


def test_nothing_is_started_before_init_has_ended_well(pid1: Pid1) -> None:
    pid1.init("sh -c 'sleep 1; echo init has ended'")
    pid1.program("service", "sh -c 'echo service begins; exec sleep 1000'", needs="init")
    pid1.start()
    eventually(lambda: "service begins" in pid1.text())
    assert pid1.text().index("init has ended") < pid1.text().index("service begins")


def test_of_what_may_start_the_log_starts_first_and_then_the_essential(pid1: Pid1) -> None:
    pid1.init("true")
    pid1.program("dns", "sleep 1000", needs="init", priority=500)
    pid1.program("log", "sleep 1000", needs="init", priority=400)
    pid1.program("regiond", "sleep 1000", needs="init", priority=900, essential="true")
    pid1.start()
    eventually(lambda: "dns starts" in pid1.text())
    starts = [pid1.text().index(f"{name} starts") for name in ("log", "regiond", "dns")]
    assert starts == sorted(starts)


def test_a_program_waits_until_another_runs(pid1: Pid1) -> None:
    pid1.program("database", "sh -c 'echo begins; exec sleep 1000'", startsecs=3)
    pid1.program("application", "sh -c 'echo begins; exec sleep 1000'", needs="database")
    pid1.start()
    eventually(lambda: pid1.says("begins", "database"))
    assert "waits for database" in pid1.supervisorctl("status")
    eventually(lambda: pid1.says("begins", "application"))
    # RUNNING is after three seconds, and noticed at once, though nothing else happens
    assert 3 <= pid1.stamp("application starts") - pid1.stamp("database starts") < 3.5


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


def test_a_program_waits_for_a_file(pid1: Pid1) -> None:
    path = pid1.directory / "ready"
    pid1.program("front", "sh -c 'echo begins; exec sleep 1000'", needs=path)
    pid1.start()
    eventually(lambda: f"waits for {path}" in pid1.supervisorctl("status"))
    path.touch()
    eventually(lambda: pid1.says("begins", "front"), 3)


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


def test_stopping_is_in_reverse_and_what_is_independent_stops_side_by_side(pid1: Pid1) -> None:
    command = pid1.python("service", SERVICE)
    pid1.program("monitor", f"{command} 0", priority=10)
    pid1.program("regiond", f"{command} 0", priority=900)
    pid1.program("database", f"{command} 0", priority=500)
    for name in ("nginx", "squid", "named"):
        pid1.program(name, f"{command} 1", priority=500, needs="database")
    pid1.start()
    eventually(lambda: pid1.text().count(" | runs") == 6)
    assert pid1.stop() == 0
    ended = [pid1.stamp(f"{name} has stopped") for name in ("nginx", "squid", "named")]
    assert max(ended) - min(ended) < 0.5  # and not two seconds
    stops = re.findall(r"(\S+)\s+stdout \| (stops|ends)", pid1.text())
    assert stops[:2] == [("regiond", "stops"), ("regiond", "ends")]
    services = {"nginx", "squid", "named"}
    assert {name for name, word in stops[2:5] if word == "stops"} == services
    assert {name for name, word in stops[5:8] if word == "ends"} == services
    assert [name for name, word in stops[8:] if word == "stops"] == ["database", "monitor"]


def test_a_program_that_does_not_stop_is_killed_after_its_patience(pid1: Pid1) -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print('runs', flush=True)\n"
    command = pid1.python("stubborn", stubborn + "while True: signal.pause()")
    pid1.program("stubborn", command, stopwaitsecs=1)
    pid1.start()
    eventually(lambda: pid1.says("runs", "stubborn"))
    assert pid1.stop() == 0
    assert 1 <= pid1.stamp("killing 'stubborn'") - pid1.stamp("received SIGTERM") < 1.5


def test_sighup_starts_everything_anew_in_order(pid1: Pid1) -> None:
    pid1.init("sh -c 'sleep 0.3; echo ends'")
    pid1.program("service", "sh -c 'echo begins; exec sleep 1000'", needs="init")
    pid1.start()
    for round_ in (1, 2, 3):
        eventually(lambda count=round_: len(pid1.said("service")) == count)
        assert len(pid1.said("init")) == round_
        if round_ < 3:
            pid1.send(1)
    assert pid1.stop() == 0
    # its files, too, were opened anew
    assert (pid1.logs / "service.log").read_text().count("begins") == 3
    assert "everything has stopped" in (pid1.logs / "supervisord.log").read_text()


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"need": "init"}, "unknown key need; did you mean needs? known, besides"),
        (
            {"needs": "nobody"},
            "[program:service] needs nobody, which is neither an absolute path nor among service",
        ),
        ({"needs": "service"}, "none of them could start, for service needs service"),
        ({"rlimits": "nproc=100"}, "nproc counts all containers"),
        ({"rlimits": "files=100"}, "files is not among"),
        ({"rlimits": f"nofile={2**63}"}, f"nofile={2**63} is above"),
        ({"rlimits": "core=much"}, "core=much must be core=NUMBER or core=unlimited"),
        ({"essential": "perhaps"}, "essential"),
        ({"stdout_syslog": "true"}, "unknown key stdout_syslog"),
        ({"[eventlistener:x]\ncommand": "cat"}, "[eventlistener:x] is not supported here"),
    ],
)
def test_a_program_file_with_a_mistake_ends_with_78(
    pid1: Pid1, keys: dict[str, str], complaint: str
) -> None:
    pid1.program("service", "sh -c 'echo service begins'", **keys)
    pid1.start()
    assert pid1.wait() == 78
    assert complaint in pid1.text()
    assert "programs/service.conf" in pid1.text()
    assert "service begins" not in pid1.text()
    assert "Traceback" not in pid1.text()


def test_every_circle_of_needs_is_named(pid1: Pid1) -> None:
    for name, need in {"a": "b", "b": "a", "c": "d", "d": "c", "e": "a"}.items():
        pid1.program(name, "sleep 1000", needs=need)
    pid1.start()
    assert pid1.wait() == 78
    for circle in ("a needs b needs a|b needs a needs b", "c needs d needs c|d needs c needs d"):
        assert re.search(circle, pid1.text())


def test_a_value_that_supervisord_refuses_ends_with_78(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000", startsecs="abc")
    pid1.start()
    assert pid1.wait() == 78


def test_even_what_ignores_every_signal_cannot_make_the_shipped_stop_longer_than_15_s() -> None:
    """The sum of the longest patience of each step: priorities stop one after another."""
    steps: dict[int, int] = {}
    for path in (ROOT / "supervisord/programs").glob("*.conf"):
        if path.stem == "init":
            continue  # it has ended, or nothing else runs
        text = path.read_text()
        priority = int(re.search(r"^priority=(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
        patience = int(re.search(r"^stopwaitsecs=(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
        assert re.search(r"^stopsignal=", text, re.MULTILINE)
        steps[priority] = max(steps.get(priority, 0), patience)
    programs = program_file.read_all(ROOT / "supervisord/supervisord.conf")
    assert sum(steps.values()) < 15
    needs = {need for program in programs.values() for need in program.needs}
    assert needs & programs.keys() == {"init"}  # nothing else waits for another's end
    assert max(steps) == 900  # regiond's
