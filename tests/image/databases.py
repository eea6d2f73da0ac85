"""PostgreSQL servers, containers of each version of MAAS, and databases in every state.

The databases are made by the stand-in's own commands, not by what is tested.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine import UNPRIVILEGED, docker, image
from eventually import eventually

VERSIONS = ("3.5", "3.6", "3.7")  # those of which the tables of states below speak
SERVERS = ("15", "17")
PASSWORD = "secret-of-the-database"
ADMIN_PASSWORD = "secret-of-the-admin"
NETWORK = f"maas-test-init-{os.getpid()}"  # each session of pytest has its own
DATA = "/var/lib/maas"
# These work all the time, and beside them runs a stack whose checks have so many seconds to answer.
BEHIND_OTHERS = "--cpu-shares=128"


@dataclass
class Result:
    status: int
    output: str


class Postgres:
    """One PostgreSQL server in a container, whose role `maas` may do everything."""

    def __init__(self, major: str, name: str = "") -> None:
        self.major = major
        self.name = name or f"maas-test-postgres-{major}"

    def start(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
        environment = {
            "POSTGRES_USER": "maas",
            "POSTGRES_PASSWORD": PASSWORD,
            "POSTGRES_DB": "maas",
        }
        docker(
            *("run", "--detach", f"--name={self.name}", f"--network={NETWORK}", BEHIND_OTHERS),
            *(f"--env={key}={value}" for key, value in environment.items()),
            f"truenas-maas-demo/postgres:{self.major}",
            *("postgres", "-c", "max_connections=200"),
        )
        self.wait()

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)

    def wait(self) -> None:
        eventually(lambda: self.sql("SELECT 1", check=False).strip() == "1", 30)

    def sql(self, statement: str, database: str = "maas", check: bool = True) -> str:
        return self._run(
            "psql", "-v", "ON_ERROR_STOP=1", "-At", "-c", statement, database, check=check
        )

    def copy(self, template: str, database: str) -> None:
        """Make a database anew, as a copy of another one; Temporal keeps its name in it.

        As files: in a copy by wal_log, PostgreSQL (15.18, tried) gives numbers of a sequence twice
        when it crashes before the next checkpoint.
        """
        self.drop(database)
        self.sql(
            f'CREATE DATABASE "{database}" TEMPLATE "{template}" OWNER maas STRATEGY file_copy'
        )
        for table in ("temporal.schema_version", "temporal_visibility.schema_version"):
            if self.sql(f"SELECT to_regclass('{table}')", database).strip():
                self.sql(f"UPDATE {table} SET db_name = current_database()", database)

    def drop(self, database: str) -> None:
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def dump(self, database: str, *options: str) -> str:
        """Return all that is in a database, as text."""
        text = self._run("pg_dump", *options, database)
        return "\n".join(line for line in text.splitlines() if "restrict " not in line)

    def schema(self, database: str) -> str:
        return self.dump(database, "--schema-only")

    def _run(self, program: str, *arguments: str, check: bool = True) -> str:
        return docker("exec", self.name, program, "-U", "maas", *arguments, check=check)


class Runner:
    """A container of one version in which commands are run; nothing runs in it by itself.

    Not the health check either, which would be run every 2 s and never be healthy.
    """

    def __init__(self, version: str, name: str = "", volume: str = "") -> None:
        self.version = version
        self.name = name or f"maas-test-runner-{version}"
        self._volume = volume or f"--tmpfs={DATA}:uid=568,gid=568,mode=0750,exec"

    def start(self) -> None:
        docker("rm", "--force", self.name)
        docker(
            *("run", "--detach", f"--name={self.name}", f"--network={NETWORK}", "--hostname=maas"),
            *(BEHIND_OTHERS, "--no-healthcheck", *UNPRIVILEGED, self._volume),
            *("--env=STANDIN_TIME_SCALE=0", "--env=MAAS_URL=http://maas:5240/MAAS"),
            *("--env=MAAS_DB_WAIT=30", f"--env=MAAS_ADMIN_PASSWORD={ADMIN_PASSWORD}"),
            f"--env=POSTGRES_PASSWORD={PASSWORD}",
            image(self.version),
            *("sleep", "infinity"),
        )

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
        docker("volume", "rm", "--force", self.name)

    def clear(self) -> None:
        """Make volume and /run as they are in a new container."""
        self.run("find", DATA, "/run", "-mindepth", "1", "-delete")

    def run(self, *command: str, stdin: str = "", **settings: str) -> Result:
        environment = [f"--env={key}={value}" for key, value in settings.items()]
        done = subprocess.run(
            ["docker", "exec", "--interactive", *environment, self.name, *command],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        return Result(done.returncode, done.stdout)

    def init(self, server: Postgres, database: str, *command: str, **settings: str) -> Result:
        """Run maas-init on a database."""
        settings = {"POSTGRES_HOST": server.name, "POSTGRES_DB": database} | settings
        return self.run("maas-init", *(command or ("run",)), **settings)

    def status(self, server: Postgres, database: str) -> dict[str, dict[str, object]]:
        document = json.loads(self.init(server, database, "status", "--json").output)
        assert isinstance(document, dict)
        return document

    def files(self) -> list[str]:
        """Name every file in the volume."""
        return self.run("find", DATA, "!", "-type", "d").output.split()

    def django(self, server: Postgres, database: str, *command: str, stdin: str = "") -> None:
        """Run one of MAAS's own commands on a database."""
        configuration = f"database_host: {server.name}\ndatabase_name: {database}\n"
        configuration += f"database_user: maas\ndatabase_pass: {PASSWORD}\n"
        self.run("tee", f"{DATA}/regiond.conf", stdin=configuration)
        done = self.run("python3", "-m", "django", *command, stdin=stdin)
        assert done.status == 0, done.output
        self.clear()


@contextmanager
def running(*containers: Postgres | Runner) -> Iterator[None]:
    """Start containers one after the other, and remove them in any case."""
    try:
        for container in containers:
            container.start()
        yield
    finally:
        for container in containers:
            container.remove()


def make_templates(server: Postgres, runners: dict[str, Runner]) -> None:
    """Make a database of each version, with an administrator, and some that are on their way."""
    answers = f"{ADMIN_PASSWORD}\n{ADMIN_PASSWORD}\n"
    admin = ("createadmin", "--username=first", "--email=first@example.com", "--ssh-import=")
    for version, runner in runners.items():
        server.copy("template0", f"of-{version}")
        runner.django(server, f"of-{version}", "dbupgrade")
        runner.django(server, f"of-{version}", *admin, stdin=answers)
    server.copy("of-3.5", "upgraded-to-3.7")
    runners["3.7"].django(server, "upgraded-to-3.7", "dbupgrade")
    # 3.4 ends there (facts/maas-region-run.md 4); Django comes to metadataserver after maasserver
    server.copy("template0", "of-3.4")
    for target in ("maasserver 0318", "metadataserver 0035", "piston3", "sites", "sessions"):
        runners["3.5"].django(server, "of-3.4", "migrate", *target.split())
    # killed between Django's last two migrations (facts/maas-37-region-run.md 1)
    server.copy("of-3.5", "trapped")
    runners["3.7"].django(server, "trapped", "migrate", "maasserver", "0342")
