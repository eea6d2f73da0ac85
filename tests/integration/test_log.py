"""PID 1: the container's log and the log files."""

import json
import os
import re
import signal
import time

from eventually import eventually
from pid1 import Pid1

# Writes numbered lines, as many a second as the first argument says, for so many seconds.
FLOOD = """
    import os, sys, time
    rate, seconds = int(sys.argv[1]), float(sys.argv[2])
    batch = rate // 100
    number, begun = 0, time.monotonic()
    while time.monotonic() - begun < seconds:
        lines = b"".join(b"flood %d %s\\n" % (n, b"x" * 80) for n in range(number, number + batch))
        while lines:
            lines = lines[os.write(1, lines):]
        number += batch
        pause = begun + number / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
    open(sys.argv[3], "w").write(str(number))
    time.sleep(1000)
"""


def test_each_line_has_time_program_and_stream(pid1: Pid1) -> None:
    pid1.program("service", "sh -c 'echo one; echo two >&2; printf three; sleep 1000'")
    pid1.start()
    eventually(lambda: "two" in pid1.text())
    assert pid1.stop() == 0
    timestamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    for stream, line in (("stdout", "one"), ("stderr", "two"), ("stdout", "three")):
        assert re.search(rf"(?m)^{timestamp} service +{stream} \| {line}$", pid1.text())
    # the file has what the container's log has
    assert (
        re.sub(r"(?m)^(?!\S+ service).*\n", "", pid1.text())
        == (pid1.logs / "service.log").read_text()
    )


def test_lines_of_several_programs_never_mix(pid1: Pid1) -> None:
    source = """
        import os, sys, time
        for n in range(200):
            os.write(1, sys.argv[1].encode() * 10)
            time.sleep(0.0005)
            os.write(1, b"\\n")
        time.sleep(1000)
    """
    command = pid1.python("halves", source)
    for name in "abcd":
        pid1.program(name, f"{command} {name}")
    pid1.start()
    eventually(lambda: all(len(pid1.said(name)) == 200 for name in "abcd"))
    for name in "abcd":
        assert set(pid1.said(name)) == {name * 10}


def test_json(pid1: Pid1) -> None:
    source = 'import os, time; os.write(1, b"one \\xff \\"two\\"\\n"); time.sleep(1000)'
    pid1.program("service", pid1.python("service", source))
    pid1.start(MAAS_LOG_FORMAT="json")
    eventually(lambda: "one" in pid1.text())
    assert pid1.stop() == 0
    objects = [json.loads(line) for line in pid1.text().splitlines()]
    assert {"supervisord", "service"} == {entry["program"] for entry in objects}
    [line] = [entry for entry in objects if entry["program"] == "service"]
    assert line["time"].endswith("Z")
    assert (line["stream"], line["message"]) == ("stdout", 'one \ufffd "two"')
    assert {entry["level"] for entry in objects if entry is not line} <= {"INFO", "WARN"}


def test_a_wrong_log_format_is_inits_to_report(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000")
    pid1.start(MAAS_LOG_FORMAT="xml")
    eventually(lambda: pid1.says("service starts"))


def test_a_long_line_is_cut_and_says_so_and_wrong_bytes_harm_nothing(pid1: Pid1) -> None:
    source = """
        import os, time
        os.write(1, b"a" * 16384 + b"\\n" + b"b" * 50000 + b"\\n")
        for _ in range(10):
            os.write(1, b"c" * 30000)
            time.sleep(0.01)
        os.write(1, b"\\nwrong \\xff\\xfe bytes\\nend\\n")
        time.sleep(1000)
    """
    pid1.program("service", pid1.python("service", source))
    pid1.start()
    eventually(lambda: "end" in pid1.said("service"))
    a, b, c, wrong, _ = pid1.said("service")
    assert a == "a" * 16384
    assert b == "b" * 16384 + f" [cut: {50000 - 16384} bytes more]"
    assert c == "c" * 16384 + f" [cut: {300000 - 16384} bytes more]"
    assert wrong == "wrong \ufffd\ufffd bytes"


def test_what_is_written_last_is_there_though_an_offspring_goes_on(pid1: Pid1) -> None:
    pid1.program(
        "service",
        "sh -c 'sleep 5 & for n in $(seq 1000); do echo line $n; done; printf last'",
        startsecs=0,
        autorestart="false",
    )
    pid1.start()
    eventually(lambda: "last" in pid1.said("service"))
    assert pid1.said("service") == [*(f"line {n}" for n in range(1, 1001)), "last"]


def test_files_are_rotated(pid1: Pid1) -> None:
    done = pid1.directory / "done"
    pid1.program("service", f"{pid1.python('flood', FLOOD)} 200000 3 {done}")
    pid1.start()
    eventually(done.exists)
    number = int(done.read_text())
    eventually(lambda: f"flood {number - 1} " in pid1.text())
    files = sorted(pid1.logs.glob("service.log*"))
    assert [path.name for path in files] == [f"service.log{n}" for n in ("", ".1", ".2", ".3")]
    assert all(path.stat().st_size <= 10 * 2**20 for path in files)
    numbers = [
        int(found)
        for path in reversed(files)
        for found in re.findall(r"flood (\d+) ", path.read_text())
    ]
    assert numbers == list(range(numbers[0], number))


def test_what_a_slow_reader_made_it_hold_is_given_back(pid1: Pid1) -> None:
    begin, done = pid1.directory / "begin", pid1.directory / "done"
    wait = f"until [ -e {begin} ]; do sleep 0.1; done"
    pid1.program("service", f"sh -c '{wait}; exec {pid1.python('flood', FLOOD)} 50000 4 {done}'")
    pid1.start()
    assert pid1.reader
    eventually(lambda: pid1.pid("service"))
    before = pid1.memory_kb()
    pid1.reader.send_signal(signal.SIGSTOP)
    begin.touch()
    eventually(done.exists)
    assert pid1.memory_kb() > before + 3000
    pid1.reader.send_signal(signal.SIGCONT)
    eventually(lambda: pid1.says("lines are missing in the container's log"))
    eventually(lambda: pid1.memory_kb() < before + 1000)


def test_a_file_that_cannot_be_written_is_said_once_and_harms_nothing(pid1: Pid1) -> None:
    (pid1.logs / "service.log").mkdir()
    pid1.program("service", "sh -c 'while :; do echo line; sleep 0.2; done'")
    pid1.start()
    eventually(lambda: pid1.says(f"cannot write {pid1.logs}/service.log: Is a directory"), 25)
    (pid1.logs / "service.log").rmdir()
    eventually(lambda: pid1.says("service.log is written again"), 25)
    assert len([line for line in pid1.said() if "cannot write" in line]) == 1
    assert "line" in (pid1.logs / "service.log").read_text()


def test_a_full_disk_leaves_no_half_line(pid1: Pid1) -> None:
    pid1.program("service", f"{pid1.python('flood', FLOOD)} 2000 2 {pid1.directory / 'done'}")
    pid1.start("""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))
    """)
    eventually(lambda: (pid1.directory / "done").exists())
    file = (pid1.logs / "service.log").read_text()
    assert 50000 < len(file) <= 100000
    assert all(line.endswith("x" * 80) for line in file.splitlines())


def test_own_messages_go_on_after_their_file_was_moved(pid1: Pid1) -> None:
    pid1.program("service", "sleep 1000")
    pid1.start()
    own = pid1.logs / "supervisord.log"
    eventually(lambda: "service starts" in own.read_text())
    own.rename(pid1.logs / "moved")
    pid1.send(signal.SIGUSR2)
    eventually(lambda: pid1.says("logreopen"))
    pid1.supervisorctl("restart", "service")
    assert "service starts" in own.read_text()
    assert pid1.xmlrpc().supervisor.clearLog()
    pid1.supervisorctl("restart", "service")
    assert "service starts" in own.read_text()


def test_a_flood_of_short_lines_as_json_leaves_pid_1_answering(pid1: Pid1) -> None:
    pid1.program("flood", "sh -c 'exec yes \"\"'")
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.start(MAAS_LOG_FORMAT="json")
    eventually(lambda: pid1.current("proxy") == "active")
    begun = time.monotonic()
    for _ in range(20):
        assert pid1.current("proxy") == "active"
    assert time.monotonic() - begun < 10
    assert '"program": "flood"' in pid1.text()


def test_supervisorctl_shows_and_clears_the_files(pid1: Pid1) -> None:
    pid1.program("service", "sh -c 'echo one; exec sleep 1000'")
    pid1.start()
    eventually(lambda: "one" in pid1.supervisorctl("tail", "service"))
    assert "service starts" in pid1.supervisorctl("maintail")
    pid1.supervisorctl("clear", "service")
    assert "one" not in pid1.supervisorctl("tail", "service")
    # reopened, as after a rotation by somebody else
    (pid1.logs / "service.log").rename(pid1.logs / "moved")
    pid1.send(signal.SIGUSR2)
    pid1.supervisorctl("restart", "service")
    eventually(lambda: "one" in (pid1.logs / "service.log").read_text())


def test_a_flood_keeps_its_order_and_nothing_else_waiting(pid1: Pid1) -> None:
    done = pid1.directory / "done"
    pid1.program("flood", f"{pid1.python('flood', FLOOD)} 50000 20 {done}")
    stamp = "import time; print(time.monotonic(), flush=True); time.sleep(1000)"
    command = pid1.python("victim", stamp)
    for number in range(9):
        pid1.program(f"victim{number}", command)
    pid1.start()
    time.sleep(3)
    restarts = []
    for number in range(9):
        name = f"victim{number}"
        pid = pid1.pid(name)
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda name=name: len(pid1.said(name)) == 2)  # type: ignore[misc]
        restarts.append(float(pid1.said(name)[1]) - killed)
    eventually(done.exists, 30)
    number = int(done.read_text())
    eventually(lambda: f"flood {number - 1} " in pid1.text())
    numbers = [int(line.split()[1]) for line in pid1.said("flood")]
    assert numbers == list(range(number))
    # ten times what is aimed at
    assert sorted(restarts)[len(restarts) // 2] < 0.2


def test_a_reader_that_stops_delays_nothing_and_what_is_lost_is_counted(pid1: Pid1) -> None:
    done = pid1.directory / "done"
    pid1.program("flood", f"{pid1.python('flood', FLOOD)} 50000 3 {done}")
    pid1.program("service", "sleep 1000")
    pid1.start()
    assert pid1.reader
    assert pid1.process
    eventually(lambda: pid1.says("service starts"))
    pid1.reader.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    eventually(done.exists, 25)
    lost = pid1.xmlrpc().plugin.getLostLines()["flood"]
    assert lost > 50000
    assert "RUNNING" in pid1.supervisorctl("status", "service")
    time.sleep(30 - (time.monotonic() - stopped))
    pid1.reader.send_signal(signal.SIGCONT)
    eventually(lambda: pid1.says("lines are missing"))
    check_count(pid1, int(done.read_text()), int(lost))


def test_a_stop_begins_at_once_though_the_reader_has_stopped_and_the_count_is_exact(
    pid1: Pid1,
) -> None:
    stopping, done = pid1.directory / "stopping", pid1.directory / "done"
    source = f"""
        import os, signal
        stopping = False
        def end(*_):
            global stopping
            stopping = True
            open({str(stopping)!r}, "w").close()
        signal.signal(signal.SIGTERM, end)
        number = 0
        while not stopping:
            os.write(1, b"flood %d %s\\n" % (number, b"x" * 80))
            number += 1
        open({str(done)!r}, "w").write(str(number))
    """
    pid1.program("flood", pid1.python("flood", source))
    pid1.start()
    assert pid1.reader
    assert pid1.process
    eventually(lambda: pid1.said("flood"))
    pid1.reader.send_signal(signal.SIGSTOP)
    time.sleep(3)
    begun = time.monotonic()
    pid1.send(signal.SIGTERM)
    eventually(stopping.exists, 3)
    assert time.monotonic() - begun < 1
    assert pid1.process.wait(9) == 0  # it does not wait for its reader for ever
    pid1.reader.send_signal(signal.SIGCONT)
    pid1.wait()
    # what nobody could be told there is in the file
    own = (pid1.logs / "supervisord.log").read_text()
    lost = sum(map(int, re.findall(r"lines are missing .*?flood (\d+)", own)))
    whole = [line for line in pid1.said("flood") if line.endswith(" " + "x" * 80)]
    numbers = [int(line.split()[1]) for line in whole]
    assert numbers == sorted(numbers)
    assert lost > 0
    assert len(numbers) + lost == int(done.read_text())


def check_count(pid1: Pid1, written: int, lost: int) -> None:
    numbers = [int(line.split()[1]) for line in pid1.said("flood")]
    assert numbers == sorted(numbers)
    assert len(numbers) + lost == written
    said = re.findall(r"lines are missing .*?flood (\d+)", pid1.text())
    assert sum(map(int, said)) == lost
