"""Backups between versions of MAAS and of PostgreSQL, without a region that runs."""

import subprocess
from collections.abc import Iterator

import pytest
from databases import Postgres, Runner, running
from engine import build

VERSIONS = ("3.5", "3.7")
SERVERS = ("15", "17")
ARCHIVE = "/tmp/backup.tar"
# 3.7's client is of 17 (Debian 13), 3.5's of 15 (Debian 12), which cannot dump a 17.
PAIRS = (("3.5", "15"), ("3.7", "15"), ("3.7", "17"))


@pytest.fixture(scope="module")
def servers(image: str, network: str) -> Iterator[dict[str, Postgres]]:
    servers = {major: Postgres(major, f"maas-test-backup-{major}") for major in SERVERS}
    with running(*servers.values()):
        yield servers


@pytest.fixture(scope="module")
def runners(servers: dict[str, Postgres]) -> Iterator[dict[str, Runner]]:
    build("3.7")
    runners = {version: Runner(version, f"maas-test-backup-{version}") for version in VERSIONS}
    with running(*runners.values()):
        yield runners


def back_up(runner: Runner, server: Postgres, database: str) -> str:
    """Make a database and a backup of it; return the database's content."""
    server.copy("template0", database)
    made = runner.init(server, database)
    assert made.status == 0, made.output
    server.sql(
        "INSERT INTO auth_user SELECT 1000, password, last_login, false, 'kept',"
        " first_name, last_name, 'kept@example.com', is_staff, is_active, date_joined"
        " FROM auth_user LIMIT 1",
        database,
    )
    result = runner.init(server, database, "backup", "/tmp")
    assert result.status == 0, result.output
    runner.run("sh", "-c", f"mv /tmp/maas-backup-*.tar {ARCHIVE}")
    return server.dump(database, "--no-privileges")


@pytest.mark.parametrize(("version", "major"), PAIRS)
def test_the_same_version(
    runners: dict[str, Runner], servers: dict[str, Postgres], version: str, major: str
) -> None:
    runner, server = runners[version], servers[major]
    runner.clear()
    wanted = back_up(runner, server, "source")
    # over its own, changed, with somebody else's rights and objects beside it
    server.sql("DELETE FROM auth_user WHERE username = 'kept'", "source")
    server.sql(
        "DROP ROLE IF EXISTS exporter; CREATE ROLE exporter; GRANT USAGE ON SCHEMA public TO"
        " exporter; CREATE TABLE leftover (id int GENERATED ALWAYS AS IDENTITY);"
        " CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN small AS int;"
        " CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        " CREATE MATERIALIZED VIEW m AS SELECT * FROM leftover",
        "source",
    )
    result = runner.init(server, "source", "restore", ARCHIVE)
    assert result.status == 0, result.output
    assert server.dump("source", "--no-privileges") == wanted
    assert "GRANT USAGE ON SCHEMA public TO exporter" in server.dump("source")
    server.sql("DROP OWNED BY exporter; DROP ROLE exporter", "source")
    assert runner.init(server, "source").status == 0
    # into an empty one of another name: Temporal's tables bear the name, and MAAS mends it
    server.copy("template0", "other")
    assert runner.init(server, "other", "restore", ARCHIVE).status == 0
    assert server.sql("SELECT count(*) FROM auth_user WHERE username = 'kept'", "other") == "1\n"
    result = runner.init(server, "other")
    assert result.status == 0, result.output
    assert runner.status(server, "other")["database"]["state"] == "current"


def test_an_older_backup_is_migrated_and_a_newer_one_refused(
    runners: dict[str, Runner], servers: dict[str, Postgres]
) -> None:
    old, new, server = runners["3.5"], runners["3.7"], servers["15"]
    back_up(old, server, "older")
    hand_over(old, new)
    server.copy("template0", "target")
    assert new.init(server, "target", "restore", ARCHIVE).status == 0
    migrated = new.init(server, "target")
    assert migrated.status == 0, migrated.output
    assert server.sql("SELECT count(*) FROM auth_user WHERE username = 'kept'", "target") == "1\n"

    back_up(new, server, "newer")
    hand_over(new, old)
    before = server.dump("older")
    result = old.init(server, "older", "restore", ARCHIVE)
    assert result.status == 65
    assert "is of MAAS 3.7.3+standin, newer than 3.5.13+standin" in result.output
    assert "of its migrations are unknown here" in result.output
    assert server.dump("older") == before
    # the way back: a backup of 3.5 over a database of 3.7, which 3.5 itself refuses
    old.clear()
    back_up(old, server, "older")
    assert old.init(server, "newer").status == 65
    assert old.init(server, "newer", "restore", ARCHIVE).status == 0
    assert old.init(server, "newer").status == 0


def test_somebody_elses_database_is_not_replaced(
    runners: dict[str, Runner], servers: dict[str, Postgres]
) -> None:
    runner, server = runners["3.5"], servers["15"]
    back_up(runner, server, "mine")
    server.copy("template0", "theirs")
    server.sql("CREATE TABLE invoices AS SELECT 1 AS id", "theirs")
    before = server.dump("theirs")
    result = runner.init(server, "theirs", "restore", ARCHIVE)
    assert result.status == 65
    assert "none of MAAS's" in result.output
    assert server.dump("theirs") == before


def test_an_unfinished_database_is_not_backed_up(
    runners: dict[str, Runner], servers: dict[str, Postgres]
) -> None:
    runner, server = runners["3.5"], servers["15"]
    server.copy("template0", "empty")
    result = runner.init(server, "empty", "backup", "/tmp")
    assert result.status == 65
    assert "cannot back up the database empty: it is empty" in result.output
    assert "maas-backup-" not in runner.run("ls", "-A", "/tmp").output.replace(".lock", "")


def hand_over(giver: Runner, taker: Runner) -> None:
    script = (
        f"docker exec {giver.name} cat {ARCHIVE} |"
        f" docker exec -i {taker.name} sh -c 'cat > {ARCHIVE}'"
    )
    subprocess.run(["sh", "-c", script], check=True)
