"""The operator's commands, and what a run says about volumes, on a database of their own."""

import json
import os
import re
import shlex
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import ADMIN_PASSWORD, DATA, PASSWORD, Postgres, Runner, running
from engine import build

DATABASE = "commands"


@pytest.fixture(scope="module")
def server(image: str, network: str) -> Iterator[Postgres]:
    server = Postgres("15", "maas-test-commands-postgres")
    with running(server):
        yield server


@pytest.fixture(scope="module")
def upgraded(image: str) -> Iterator[Runner]:
    build("3.7")
    name = "maas-test-commands-3.7"
    runner = Runner("3.7", name, f"--volume={name}:{DATA}")
    with running(runner):
        yield runner


@pytest.fixture(scope="module")
def runner(server: Postgres) -> Iterator[Runner]:
    """Give a container in which a run has come to its end."""
    runner = Runner("3.5", "maas-test-commands")
    with running(runner):
        server.copy("template0", DATABASE)
        result = runner.init(server, DATABASE)
        assert result.status == 0, result.output
        yield runner


def password_of(server: Postgres, user: str) -> str:
    return server.sql(f"SELECT password FROM auth_user WHERE username = '{user}'", DATABASE)


def test_status_for_people_and_for_programs(server: Postgres, runner: Runner) -> None:
    text = runner.init(server, DATABASE, "status")
    assert text.status == 0
    assert "MAAS 3.5.13+standin" in text.output
    assert "current: 381 migrations applied" in text.output
    assert "backups in /var/lib/maas/backups: none" in text.output
    document = json.loads(runner.init(server, DATABASE, "status", "--json").output)
    assert document["database"]["state"] == "current"
    assert document["database"]["applied"] == 381
    assert document["last_run"]["state"] == "done"
    assert [step["name"] for step in document["last_run"]["steps"]][-1] == "service files"
    assert document["backups"]["files"] == []


def test_status_where_the_database_cannot_be_used(server: Postgres, runner: Runner) -> None:
    wrong = runner.init(server, DATABASE, "status", POSTGRES_PASSWORD="wrong-one")
    assert wrong.status == 1
    assert "not reached: " in wrong.output
    assert "password authentication failed" in wrong.output
    assert "wrong-one" not in wrong.output
    server.copy("template0", "nothing")
    empty = runner.init(server, "nothing", "status")
    assert empty.status == 1
    assert "empty: 381 migrations to come" in empty.output
    settings = runner.init(server, DATABASE, "status", MAAS_URL="")
    assert settings.status == 78
    assert "Traceback" not in wrong.output + empty.output + settings.output


def test_a_new_administrator_and_a_new_password(server: Postgres, runner: Runner) -> None:
    def admin(*arguments: str, stdin: str = "") -> tuple[int, str]:
        settings = {"POSTGRES_HOST": server.name, "POSTGRES_DB": DATABASE}
        result = runner.run("maas-init", "admin", *arguments, stdin=stdin, **settings)
        assert "Traceback" not in result.output
        assert "pass-word" not in result.output
        return result.status, result.output

    assert admin("second", stdin="pass-word-1\n") == (0, "created the administrator second\n")
    before = password_of(server, "second")
    assert before.startswith("pbkdf2_")
    runner.run("sh", "-c", "umask 077; cat >/tmp/password", stdin="pass-word-2\n")
    assert admin("second", "--password-file", "/tmp/password") == (
        0,
        "set the password of second\n",
    )
    assert password_of(server, "second") != before
    for stdin, words in (("", "empty password"), ("\n", "empty password")):
        status, output = admin("third", stdin=stdin)  # MAAS's own would ask for ever
        assert status == 78
        assert words in output
    assert admin("MAAS", stdin="x\n")[0] == 78
    assert admin("bad name", stdin="x\n")[0] == 78
    assert admin("third", "--email", "second@localhost", stdin="x\n")[0] != 0  # taken
    status, output = admin("third", "--password-file", "/nowhere")
    assert status == 78
    assert "cannot be read from /nowhere: No such file" in output
    server.sql("UPDATE auth_user SET is_superuser = false WHERE username = 'second'", DATABASE)
    status, output = admin("second", stdin="x\n")
    assert "not an administrator" in output
    assert status == 75


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ("noexec", 73, "is mounted noexec"),
        ("exec,size=8m", 73, "MB free, and 16 MB are the least"),
        ("exec,size=200m", 0, "MB free: images need some thousand"),
        ("exec,ro", 73, "mount a volume at /var/lib/maas, without read_only"),
    ],
)
def test_volumes_that_do_not_do(
    server: Postgres, runner: Runner, options: str, status: int, words: str
) -> None:
    volume = f"--tmpfs={DATA}:uid=568,gid=568,mode=0750,{options}"
    other = Runner("3.5", "maas-test-volumes", volume)
    with running(other):
        result = other.init(server, DATABASE)
    assert words in result.output
    assert result.status == status, result.output


def test_a_migration_that_fails_says_how_to_go_back(
    server: Postgres, runner: Runner, upgraded: Runner
) -> None:
    database = "failing"
    runner.clear()
    server.copy(DATABASE, database)
    # something that a migration of 3.7 wants to make itself
    server.sql("CREATE VIEW maasserver_ui_subnet_view AS SELECT 1 AS other", database)
    before = server.dump(database)
    result = upgraded.init(server, database)
    assert result.status == 70, result.output
    (line,) = (line for line in result.output.splitlines() if "pg_restore" in line)
    assert f"createdb --username=maas -- {database}_before" in result.output
    server.copy("template0", f"{database}_before")
    command = shlex.split(line.split("docker compose run --rm maas ")[1])
    restored = upgraded.run(*command, PGPASSWORD=PASSWORD)
    assert restored.status == 0, restored.output
    assert server.dump(f"{database}_before") == before
    upgraded.run("truncate", "--size=-20000", command_dump(command))
    server.copy("template0", f"{database}_before")
    assert upgraded.run(*command, PGPASSWORD=PASSWORD).status != 0
    assert (
        server.sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", f"{database}_before"
        ).strip()
        == "0"
    )
    status = upgraded.status(server, database)
    assert str(status["backups"]["unfinished_migration"]).endswith(".dump")
    assert ADMIN_PASSWORD not in result.output


def command_dump(command: list[str]) -> str:
    """Name the dump that a command restores."""
    (dump,) = set(re.findall(r"\S+\.dump", " ".join(command)))
    return str(dump)


def test_a_directory_of_root_that_an_access_list_opens(
    server: Postgres, runner: Runner, tmp_path: Path
) -> None:
    """TrueNAS's datasets for apps belong to root, and a list lets 568 write."""
    allow(tmp_path, 568)
    other = Runner("3.5", "maas-test-volumes", f"--volume={tmp_path}:{DATA}")
    with running(other):
        result = other.init(server, DATABASE)
        again = other.init(server, DATABASE)
    assert result.status == 0, result.output
    assert again.status == 0, again.output
    assert tmp_path.stat().st_uid == 0
    assert (tmp_path / "regiond.conf").stat().st_uid == 568


def allow(directory: Path, uid: int) -> None:
    """Let a user write in a directory by a POSIX access control list, and in what is made in it."""
    entries = ((0x01, 7, -1), (0x02, 7, uid), (0x04, 5, -1), (0x10, 7, -1), (0x20, 0, -1))
    packed = b"".join(struct.pack("<HHi", *entry) for entry in entries)
    for kind in ("access", "default"):
        os.setxattr(directory, f"system.posix_acl_{kind}", struct.pack("<I", 2) + packed)
