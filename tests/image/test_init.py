"""`maas-init run` on databases of its own, beside the running stack."""

import re
from collections.abc import Callable, Iterator

import engine
import pytest
from engine import PROJECT, Container, docker
from eventually import eventually

DATABASE = "second"
ASK_STARTUPZ = """
import urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:9568/startupz", timeout=5)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
"""
Start = Callable[[str], Container]


@pytest.fixture
def start(maas: Container) -> Iterator[Start]:
    """Start containers on one empty database, each with a volume of its own."""
    maas.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    maas.sql(f"CREATE DATABASE {DATABASE} OWNER maas")
    names: list[str] = []

    def run(suffix: str) -> Container:
        name = f"{PROJECT}-init-{suffix}"
        names.append(name)
        return engine.start(
            name,
            f"--hostname={name}",
            f"--volume={name}:/var/lib/maas",
            POSTGRES_DB=DATABASE,
            MAAS_ADMIN_PASSWORD="secret-of-the-test",
        )

    yield run
    for name in names:
        docker("rm", "--force", name)
        docker("volume", "rm", "--force", name)
    maas.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def admins(maas: Container) -> str:
    return maas.sql("SELECT count(*) FROM auth_user WHERE username = 'admin'", DATABASE)


def test_killed_in_the_middle_of_a_migration_it_goes_on(maas: Container, start: Start) -> None:
    container = start("killed")
    eventually(lambda: "migration " in container.probe(), 30)
    python = ("/opt/truenas-maas/bin/python3", "-I", "-c", ASK_STARTUPZ)
    assert re.match(r"503 starting: migrate: \d+ of 381\n", container.run(*python))
    docker("kill", container.name)
    docker("start", container.name)
    eventually(lambda: "| INFO done: " in container.log(), 60)
    log = container.log()
    assert "the database is behind" in log or "the database is partial" in log
    assert "the database as it is now is in /var/lib/maas/backups/second-" in log
    assert log.count("created admin") == 1
    assert container.run("ls", "/var/lib/maas/backups").strip().endswith(".dump")
    assert admins(maas) == "1"
    assert "secret-of-the-test" not in log


def test_two_at_once_migrate_once(maas: Container, start: Start) -> None:
    both = [start("one"), start("two")]
    for container in both:
        eventually(lambda c=container: "| INFO done: " in c.log(), 90)  # type: ignore[misc]
    logs = [container.log() for container in both]
    assert sum("MAAS migrates the database" in log for log in logs) == 1
    assert sum("created admin" in log for log in logs) == 1
    assert admins(maas) == "1"


def test_run_by_hand_beside_a_running_region_it_leaves_everything_alone(maas: Container) -> None:
    before = maas.run("cat", "/run/maas/init.json")
    assert "nothing to do: regiond runs already" in maas.run("maas-init", "run")
    assert maas.run("cat", "/run/maas/init.json") == before
