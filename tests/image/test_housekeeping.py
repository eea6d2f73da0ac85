"""The program `housekeeping` in the container."""

from engine import Container
from eventually import eventually

LOGS = "/var/log/maas"


def test_old_and_big_logs_are_taken_care_of(maas: Container) -> None:
    old = f"{LOGS}/rsyslog/node-9/2026-01-01"
    script = f"""
mkdir -p {old}
echo old > {old}/messages
echo ancient > {old}/ancient
touch -d '3 days ago' {old}/messages
touch -d '31 days ago' {old}/ancient
head -c 11000000 /dev/zero >> {LOGS}/maas.log
"""
    maas.run("sh", "-c", script)
    maas.run("supervisorctl", "restart", "housekeeping")
    eventually(lambda: "rotated 1 log files" in maas.log(), 20)
    assert maas.run("ls", old).split() == ["messages.bz2"]
    assert "maas.log.1" in maas.run("ls", LOGS)
    assert int(maas.run("stat", "-c", "%s", f"{LOGS}/maas.log")) < 1_000_000
    assert maas.state("housekeeping") == "RUNNING"
