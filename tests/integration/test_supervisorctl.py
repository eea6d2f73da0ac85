"""PID 1: what an operator does with supervisorctl."""

import os
import signal
import time
from pathlib import Path

from eventually import eventually
from pid1 import Pid1
from test_order import SERVICE


def region(pid1: Pid1) -> None:
    command = pid1.python("service", SERVICE)
    pid1.init("sh -c 'sleep 0.5; echo ends'")
    # in an order of names and priorities that is not that of the needs
    pid1.program("application", f"{command} 0.3", needs="init database", priority=900)
    pid1.program("database", f"{command} 0.3", needs="init", priority=30)
    pid1.start()
    eventually(lambda: pid1.says("runs", "application"))


def order(pid1: Pid1, word: str) -> list[str]:
    """Return which program said a word, in the order of the log."""
    lines = [line.split() for line in pid1.text().splitlines()]
    return [line[1] for line in lines if line[-1] == word]


def test_stop_all_and_start_all_keep_the_order(pid1: Pid1) -> None:
    region(pid1)
    stopped = pid1.supervisorctl("stop", "all")
    assert "application: stopped" in stopped
    assert "database: stopped" in stopped
    assert order(pid1, "stops") == ["application", "database"]
    started = pid1.supervisorctl("start", "all")
    assert "application: started" in started
    assert "init: started" in started
    assert order(pid1, "runs") == ["database", "application"] * 2
    assert pid1.text().rindex("init has ended") < pid1.text().rindex("database starts")


def test_restart_all_keeps_the_order(pid1: Pid1) -> None:
    region(pid1)
    pid1.supervisorctl("restart", "all")
    assert order(pid1, "stops") == ["application", "database"]
    assert order(pid1, "runs") == ["database", "application"] * 2


def test_a_start_waits_for_what_is_needed_and_can_be_taken_back(pid1: Pid1) -> None:
    region(pid1)
    pid1.supervisorctl("stop", "application", "database")
    waiting = pid1.popen_supervisorctl("start", "application")
    eventually(lambda: "waits for database" in pid1.supervisorctl("status"))
    pid1.supervisorctl("start", "database")
    assert "application: started" in waiting.communicate(timeout=10)[0]
    pid1.supervisorctl("stop", "application", "database")
    waiting = pid1.popen_supervisorctl("start", "application")
    eventually(lambda: "waits for database" in pid1.supervisorctl("status"))
    assert "application: stopped" in pid1.supervisorctl("stop", "application")
    assert "ERROR" in waiting.communicate(timeout=10)[0]
    pid1.supervisorctl("start", "database")
    assert "STOPPED" in pid1.supervisorctl("status", "application")


def test_reread_and_update(pid1: Pid1) -> None:
    region(pid1)
    assert "No config updates" in pid1.supervisorctl("reread")
    assert "application starts" in pid1.supervisorctl("maintail")
    command = pid1.python("service", SERVICE)
    pid1.program("front", f"{command} 0", needs="application /nonexistent")
    pid1.program("database", f"{command} 0.1", needs="init", priority=30)
    (pid1.directory / "programs/init.conf").unlink()
    for name in ("database", "application"):  # nothing needs init any more
        path = pid1.directory / f"programs/{name}.conf"
        path.write_text(path.read_text().replace("needs=init", "needs="))
    changes = pid1.supervisorctl("reread")
    for words in ("front: available", "database: changed", "init: disappeared"):
        assert words in changes
    updated = pid1.supervisorctl("update")
    assert "front: added process group" in updated
    assert "database: updated process group" in updated
    eventually(lambda: "waits for /nonexistent" in pid1.supervisorctl("status", "front"))
    assert "init" not in pid1.supervisorctl("status")
    eventually(lambda: order(pid1, "runs").count("database") == 2)
    assert pid1.stop() == 0
    # and the stop knows the new needs
    assert order(pid1, "stops")[-2:] == ["application", "database"]


def test_reread_of_a_mistake_changes_nothing(pid1: Pid1) -> None:
    region(pid1)
    pid1.program("front", "sleep 1000", neds="application")
    assert "unknown key neds; did you mean needs?" in pid1.supervisorctl("reread")
    assert "front" not in pid1.supervisorctl("status")
    eventually(lambda: "RUNNING" in pid1.supervisorctl("status", "application"))


def test_a_reread_without_an_update_changes_nothing(pid1: Pid1) -> None:
    region(pid1)
    pid1.program("front", "false", essential="true", pebble="front", needs="application")
    (pid1.directory / "programs/init.conf").unlink()
    for name in ("database", "application"):
        path = pid1.directory / f"programs/{name}.conf"
        path.write_text(path.read_text().replace("needs=init", "needs="))
    assert "front: available" in pid1.supervisorctl("reread")
    assert "init" in pid1.supervisorctl("status")
    assert pid1.request("GET", "/v1/services") == pid1.request("GET", "/v1/services?names=x")
    assert pid1.request("GET", "/v1/health")[0] == 200
    assert set(pid1.xmlrpc().plugin.getWanted()) == {"init", "application", "database"}
    # a mistake that only supervisor itself sees
    pid1.program("worse", "sleep 1000", startsecs="abc", pebble="worse")
    assert "ERROR" in pid1.supervisorctl("reread")
    assert pid1.request("GET", "/v1/services")[1]["result"] == []
    assert "application: stopped" in pid1.supervisorctl("stop", "all")
    assert order(pid1, "stops") == ["application", "database"]
    assert not pid1.says("KeyError")


def test_start_all_does_not_repeat_init_under_what_runs(pid1: Pid1) -> None:
    region(pid1)
    pid1.supervisorctl("stop", "application")
    pid1.supervisorctl("start", "all")
    eventually(lambda: order(pid1, "runs").count("application") == 2)
    assert order(pid1, "ends").count("init") == 1


def test_a_reload_with_a_mistake_is_refused(pid1: Pid1) -> None:
    region(pid1)
    pid1.program("front", "sleep 1000", neds="application")
    for ask in (lambda: pid1.send(1), lambda: pid1.supervisorctl("reload")):
        before = len(pid1.said())
        ask()
        eventually(
            lambda at=before: any("cannot start everything anew" in s for s in pid1.said()[at:])
        )
    eventually(lambda: pid1.says("unknown key neds; did you mean needs?"))
    assert order(pid1, "stops") == []
    assert not pid1.says("Traceback")


def test_start_all_leaves_to_maas_what_does_not_start_by_itself(pid1: Pid1) -> None:
    file = pid1.directory / "chrony.conf"
    pid1.program("chrony", "sleep 1000", pebble="ntp", configuration=file)
    pid1.program("temporal", "sleep 1000", pebble="temporal", autostart="false")
    pid1.program("service", "sleep 1000")
    pid1.start()
    eventually(lambda: "RUNNING" in pid1.supervisorctl("status", "service"))
    answers = pid1.supervisorctl("restart", "all")
    assert "service: started" in answers
    assert "ERROR" not in answers
    assert not pid1.says("temporal starts")


def test_stop_all_ends_the_waiting_for_a_restart(pid1: Pid1) -> None:
    slow = pid1.python("service", SERVICE)
    pid1.program("regiond", f"{slow} 4", priority=900)
    pid1.program("squid", "false", priority=500)
    pid1.start()
    eventually(lambda: pid1.says("(failure 3)"))
    pid1.supervisorctl("stop", "all")
    said = pid1.said()
    assert "squid starts" not in said[said.index("supervisorctl stops everything") :]


def test_a_stop_on_request_forgives(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000", autorestart="true")
    pid1.start()
    os.kill(pid1.pid("service"), signal.SIGKILL)
    eventually(lambda: ", failed once" in pid1.supervisorctl("status"))  # and runs
    pid1.supervisorctl("restart", "service")
    assert "failed" not in pid1.supervisorctl("status")


def test_a_stop_of_a_group_takes_back_what_is_held(pid1: Pid1) -> None:
    pid1.program("front", "sleep 1000", needs="/nonexistent")
    pid1.start()
    eventually(lambda: "waits for /nonexistent" in pid1.supervisorctl("status"))
    pid1.supervisorctl("stop", "front:*")
    assert "Not started" in pid1.supervisorctl("status")


def test_who_stopped_what_is_in_the_log_and_published(pid1: Pid1) -> None:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.program("housekeeping", "sleep 1000")
    pid1.start()
    eventually(lambda: pid1.supervisorctl("status").count("RUNNING") == 2)
    pid1.supervisorctl("stop", "squid", "housekeeping")
    eventually(lambda: pid1.says("supervisorctl stops squid, until MAAS asks for it"))
    eventually(lambda: pid1.says("supervisorctl stops housekeeping, until it is started again"))
    published = pid1.xmlrpc().plugin
    assert published.getWanted() == {"squid": False, "housekeeping": False}
    assert pid1.act("start", "proxy")["status"] == "Done"
    assert published.getWanted() == {"squid": True, "housekeeping": False}


def test_waiting_for_a_stop_costs_next_to_nothing(pid1: Pid1) -> None:
    """Stock supervisord uses a whole core as long as an operator's stop waits."""
    pid1.program("slow", f"{pid1.python('service', SERVICE)} 3")
    pid1.start()
    eventually(lambda: pid1.says("runs", "slow"))
    assert pid1.process
    stat = Path(f"/proc/{pid1.process.pid}/stat")

    def cpu_seconds() -> float:
        user, system = stat.read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / 100

    before = cpu_seconds()
    assert "slow: stopped" in pid1.supervisorctl("stop", "slow")
    assert cpu_seconds() - before < 0.5


def test_the_interface_is_whole(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000")
    pid1.start()
    eventually(lambda: "RUNNING" in pid1.supervisorctl("status", "service"))
    methods = pid1.xmlrpc().system.listMethods()
    for method in ("supervisor.getAllProcessInfo", "supervisor.startProcess", "plugin.getWanted"):
        assert method in methods
    begun = time.monotonic()
    assert "service" in pid1.supervisorctl("avail")
    assert "Shut down" in pid1.supervisorctl("shutdown")
    assert pid1.wait() == 0
    assert time.monotonic() - begun < 5
