"""The whole: PID 1, init, MAAS (or its stand-in), nginx, named, squid and PostgreSQL."""

import json
import re
import subprocess
import time
import urllib.request

from engine import PROGRAMS, SOURCE, VERSION, Container, compose, docker
from eventually import eventually

from healthcheck import metrics
from healthcheck.checks import all_checks

STANDIN = SOURCE == "standin"
CHECKS = [check.name for check in all_checks()]


# What the plain stack has no value for.
ABSENT = {"maas_backup_last_timestamp_seconds"}


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, response.read().decode()


def test_programs_run_and_init_has_ended(maas: Container) -> None:
    assert maas.state("init") == "EXITED"
    eventually(lambda: maas.probe().startswith("healthy"), 60)
    assert {name: maas.state(name) for name in PROGRAMS} == dict.fromkeys(PROGRAMS, "RUNNING")


def test_the_log_tells_who_started_what(maas: Container) -> None:
    log = maas.log()
    for story in (
        "| init starts",
        "| INFO admin: created admin",
        "| init has ended well after",
        "| apply starts",
        "| regiond starts",
        "regiond asks to start nginx (http)",
        "regiond asks to start squid (proxy)",
    ):
        assert story in log
    assert re.search(r"\| INFO migrate: \d+ migrations applied", log)
    assert log.index("init has ended well") < log.index("regiond starts")


def test_it_holds_no_privilege(maas: Container) -> None:
    assert maas.run("id", "-u").strip() == "568"
    status = dict(
        line.split(":\t", 1)
        for line in maas.run("cat", "/proc/1/status").splitlines()
        if "\t" in line
    )
    for capabilities in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        assert int(status[capabilities], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert "Read-only file system" in maas.run("touch", "/x", check=False)
    setuid = maas.run("find", "/", "-xdev", "-type", "f", "-perm", "/6000", user="0")
    assert setuid == ""
    uids = {line.split()[0] for line in docker("top", maas.name, "-eo", "uid,pid").splitlines()[1:]}
    assert uids == {"568"}


def test_secrets_are_in_no_log_no_argv_and_no_environment_of_regiond(maas: Container) -> None:
    # The demo's one password is also a name: look for it as a value.
    environment = maas.run("cat", f"/proc/{maas.pid('regiond')}/environ")
    assert "PASSWORD=" not in environment
    assert "PASSWORD=" in maas.run("cat", f"/proc/{maas.pid('healthcheck')}/environ")
    assert "PASSWORD" not in maas.log()
    assert maas.run("stat", "-c", "%a", "/var/lib/maas/regiond.conf").strip() == "640"


def test_the_api_answers(maas: Container) -> None:
    status, body = get(f"http://{maas.port(5240)}/MAAS/api/2.0/version/")
    assert status == 200
    assert json.loads(body)["version"].startswith(f"{VERSION}.")


def test_squid_keeps_to_its_share_of_the_disk(maas: Container) -> None:
    page = "http://127.0.0.1:8000/squid-internal-mgr/storedir"
    assert f"{10240 * 1024} KB" in maas.run("wget", "-qO-", page)


def test_metrics_are_good_prometheus(maas: Container) -> None:
    eventually(lambda: maas.probe().startswith("healthy"), 60)
    url = f"http://{maas.port(9568)}/metrics"
    eventually(lambda: 'maas_health{state="healthy"} 1.0' in get(url)[1], 15)
    # a container that has just started: the check reads what apply reports once that has ended
    eventually(lambda: "maas_apply_settings{" in get(url)[1], 30)
    _, text = get(url)
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "")
    assert f'source="{"standin" if STANDIN else "package"}"' in text
    assert 'supervisor_program_state{program="regiond",state="running"} 1.0' in text
    for check in CHECKS:
        assert f'maas_check_success{{check="{check}"}} 1.0' in text
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert set(metrics.ALL) - told <= ABSENT
    assert told <= set(metrics.ALL)
    # the parent and its workers, as their files in /proc have it, and what MAAS asks its host
    found = re.search(r'^supervisor_program_processes{program="regiond"} (\S+)$', text, re.M)
    assert found
    assert float(found[1]) >= 3


def test_the_probe_and_its_table(maas: Container) -> None:
    remark = " (with a stand-in for MAAS)" if STANDIN else ""
    expected = f"healthy: {len(CHECKS)} checks passed{remark}\n"
    eventually(lambda: maas.probe() == expected, 60)
    table = maas.run("healthcheck", "--verbose")
    for check in CHECKS:
        assert f"  {check} " in table
    document = json.loads(maas.run("healthcheck", "--json"))
    assert document["state"] == "healthy"
    assert set(document["checks"]) == set(CHECKS)
    assert maas.run("healthcheck", "--direct") == expected
    # 2 and others are Docker's
    assert maas.run("sh", "-c", "healthcheck --nonsense; echo $?").endswith("\n1\n")


def test_endpoints_and_status_page(maas: Container) -> None:
    address = f"http://{maas.port(9568)}"
    for path in ("/livez", "/readyz", "/startupz"):
        assert get(address + path) == (200, "ok\n")
        _, text = get(f"{address}{path}?verbose")
        assert text.splitlines()[1:] == [f"{check}: ok" for check in CHECKS]
    _, page = get(f"{address}/")
    for words in ("MAAS is healthy", "temporal-worker", "service files", f"{VERSION}."):
        assert words in page


def test_a_monitor_that_is_gone_is_unhealthy(maas: Container) -> None:
    maas.run("supervisorctl", "stop", "healthcheck")
    answer = maas.probe()
    maas.run("supervisorctl", "start", "healthcheck")
    assert answer.startswith("unhealthy: the monitor does not answer")
    eventually(lambda: "healthy: " in maas.probe(), 30)


def test_a_database_that_is_gone_is_unhealthy_and_heals(maas: Container) -> None:
    compose("pause", "postgres")
    eventually(lambda: "database: " in maas.probe(), 60)
    compose("unpause", "postgres")
    eventually(lambda: maas.probe().startswith("healthy"), 60)


def test_regiond_comes_back_when_it_is_killed(maas: Container) -> None:
    before = maas.pid("regiond")
    maas.run("sh", "-c", f"kill -9 {before}")
    maas.wait_until_restarted("regiond", before)
    eventually(lambda: maas.probe().startswith("healthy"), 60)


def test_regiond_starts_what_an_operator_stopped(maas: Container) -> None:
    maas.run("supervisorctl", "stop", "squid")
    eventually(lambda: maas.state("squid") == "RUNNING", 40)


def test_maas_commands_run_without_root(maas: Container) -> None:
    keys = maas.run("maas-region", "apikey", "--username", "admin").split()
    assert len(keys) == 1
    assert keys[0].count(":") == 2
    assert "sudo" in maas.run("sudo", "-n", "-u", "maas", "--", "echo", "sudo", "works")
    assert maas.run("systemd-detect-virt").strip() == "docker"
    shown = maas.run("sudo", "-E", "--preserve-env=HOME", "sh", "-c", "id -u; echo $HOME")
    assert shown.split() == ["568", "/var/lib/maas"]


def test_stop_is_quick_and_start_migrates_nothing(maas: Container) -> None:
    users = maas.sql("SELECT count(*) FROM auth_user")
    begun = time.monotonic()
    docker("stop", maas.name)
    assert time.monotonic() - begun < 15
    assert maas.inspect("{{.State.ExitCode}}") == "0"
    docker("start", maas.name)
    maas.wait_until_healthy()
    assert maas.log().count("migrations applied (") == 1 + maas.log().count("database is current")
    assert maas.sql("SELECT count(*) FROM auth_user") == users


def test_data_survives_a_new_container(maas: Container) -> None:
    identity = maas.run("cat", "/var/lib/maas/maas_id")
    admins = "SELECT count(*) FROM auth_user WHERE username = 'admin'"
    compose("up", "--detach", "--force-recreate")
    maas.wait_until_healthy()
    assert maas.run("cat", "/var/lib/maas/maas_id") == identity
    assert maas.sql(admins) == "1"
    assert "migrations applied (" in maas.log()
    assert "MAAS migrates" not in maas.log()


def test_a_region_that_an_operator_stopped_is_named(maas: Container) -> None:
    maas.run("supervisorctl", "stop", "regiond")
    answer = "regiond is STOPPED"
    eventually(lambda: answer in maas.probe(), 30)
    maas.run("supervisorctl", "start", "regiond")
    eventually(lambda: maas.probe().startswith("healthy"), 60)
