"""Programs that fail in the running container: what PID 1 makes of it."""

import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from engine import PROJECT, UNPRIVILEGED, Container, Ended, docker
from eventually import eventually

Run = Callable[..., Ended]


@pytest.mark.parametrize("program", ["nginx", "bind9", "squid", "regiond"])
def test_a_killed_program_comes_back_and_health_with_it(maas: Container, program: str) -> None:
    before = maas.pid(program)
    maas.run("sh", "-c", f"kill -9 {before}")
    maas.wait_until_restarted(program, before)
    eventually(lambda: maas.state(program) == "RUNNING", 10)
    assert f"{program} failed after" in maas.log()
    eventually(lambda: maas.probe().startswith("healthy"), 60)


def test_a_killed_worker_of_regiond_comes_back(maas: Container) -> None:
    before = maas.workers()
    assert before
    maas.run("sh", "-c", f"kill -9 {before[0]}")

    def replaced() -> bool:
        now = maas.workers()
        return len(now) == len(before) and before[0] not in now

    eventually(replaced, 30)
    eventually(lambda: maas.probe().startswith("healthy"), 60)


def test_secrets_are_in_the_environment_of_those_that_need_them_only(maas: Container) -> None:
    eventually(lambda: "STARTING" not in maas.run("supervisorctl", "status", check=False))
    status = maas.run("supervisorctl", "status", check=False)
    running = [line.split()[0] for line in status.splitlines() if "RUNNING" in line]
    assert len(running) > 10
    # All processes of a program, its children too, but not those of `docker exec`.
    named = {
        name: "PASSWORD=" in maas.run("cat", f"/proc/{maas.pid(name)}/environ") for name in running
    }
    assert [name for name, has in named.items() if has] == ["healthcheck"]


def test_log_files_are_there_and_end_what_docker_logs_says(maas: Container) -> None:
    for program in ("regiond", "init", "bind9", "squid", "supervisord"):
        assert maas.run("cat", f"/var/log/maas/{program}.log")
    assert " | regiond starts" in maas.run("cat", "/var/log/maas/supervisord.log")
    assert maas.run("stat", "-c", "%a %U", "/var/log/maas/regiond.log").strip() == "640 maas"


def test_lost_lines_are_a_metric(maas: Container) -> None:
    url = f"http://{maas.port(9568)}/metrics"
    with urllib.request.urlopen(url, timeout=10) as response:
        assert b'supervisor_log_lost_lines_total{program="regiond"} 0.0' in response.read()


def test_an_essential_program_that_always_fails_ends_the_container_in_order(
    run_to_end: Run, tmp_path: Path
) -> None:
    apiserver = tmp_path / "maas-apiserver"
    apiserver.write_text("#!/bin/sh\necho cannot read my configuration >&2\nexit 3\n")
    apiserver.chmod(0o755)
    ended = run_to_end(f"--volume={apiserver}:/usr/sbin/maas-apiserver:ro")
    assert ended.status == 75
    reason = "apiserver has failed 5 times within"
    assert reason in ended.log
    assert "exit status 3; its last line: cannot read my configuration" in ended.log
    # regiond first, the monitor last
    stops = [
        ended.log.rindex(f"| {name} has stopped") for name in ("regiond", "rsyslog", "healthcheck")
    ]
    assert ended.log.index(reason) < stops[0] < stops[1] < stops[2]
    assert "everything has stopped, exit status 75" in ended.log


def test_a_stop_right_after_a_start_is_not_lost(image: str) -> None:
    name = f"{PROJECT}-stop"
    docker("rm", "--force", name)
    docker("create", f"--name={name}", "--network=none", *UNPRIVILEGED, image)
    try:
        for _ in range(5):
            docker("start", name)
            docker("stop", "--time=20", name)
            assert Container(name).inspect("{{.State.ExitCode}}") == "0"  # 137 is Docker's SIGKILL
    finally:
        docker("rm", "--force", name)


def test_a_program_that_forks_without_end(image: str, tmp_path: Path) -> None:
    """Within pids_limit PID 1 goes on, says what it could not start, and starts it afterwards."""
    bomb = tmp_path / "bomb.py"
    bomb.write_text(
        "import os, time\n"
        "time.sleep(3)\n"
        "begun, full = time.monotonic(), False\n"
        "while time.monotonic() - begun < 10:\n"
        "    try:\n"
        "        if not os.fork():\n"
        "            time.sleep(15)\n"
        "            os._exit(0)\n"
        "    except OSError:\n"
        "        if not full:\n"
        "            print('full', flush=True)\n"
        "        full = True\n"
        "        time.sleep(0.002)\n"
    )
    programs = {"bomb": "python3 /programs/bomb.py", "ticker": "sh -c 'echo tick; sleep 1.5'"}
    for name, command in programs.items():
        restart = "false" if name == "bomb" else "true"
        (tmp_path / f"{name}.conf").write_text(
            f"[program:{name}]\ncommand={command}\nautorestart={restart}\n"
        )
    shipped = docker("run", "--rm", image, "cat", "/etc/supervisord.conf")
    (tmp_path / "supervisord.conf").write_text(shipped.replace("programs/*.conf", "*.conf"))
    tmp_path.chmod(0o755)
    name = f"{PROJECT}-bomb"
    docker("rm", "--force", name)
    docker(
        *("run", "--detach", f"--name={name}", "--pids-limit=60", *UNPRIVILEGED),
        *(f"--volume={tmp_path}:/programs:ro", "--tmpfs=/var/log/maas:uid=568,gid=568", image),
        *("/opt/truenas-maas/bin/python3", "-I", "-m", "supervisord", "/programs/supervisord.conf"),
    )
    try:
        container = Container(name)
        eventually(lambda: "| full" in container.log(), 30)
        eventually(lambda: "pids_limit" in container.log(), 20)
        ticks = container.log().count("| tick")
        eventually(lambda: container.log().count("| tick") > ticks, 60)
        docker("stop", name)
        assert container.inspect("{{.State.ExitCode}}") == "0"
    finally:
        docker("rm", "--force", name)
