"""A real PostgreSQL of the tests' own, on a free port of loopback."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from certificates import openssl

import settings
from settings import Settings

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "super-1"


@dataclass
class Server:
    data: Path
    port: int

    def settings(self, **changes: str) -> Settings:
        environment = {
            "MAAS_URL": "http://192.0.2.10:5240/MAAS",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": PASSWORD,
            "POSTGRES_DB": "postgres",
            "MAAS_DB_WAIT": "3",
        }
        return settings.load(environment | changes)

    def control(self, *arguments: str) -> None:
        command = [str(BINARIES[-1] / "pg_ctl"), "--pgdata", str(self.data), "--wait", *arguments]
        as_postgres(command)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data} -c fsync=off"
        self.control("--log", str(self.data / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.control("--mode", "immediate", "stop")

    def running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def sql(self, statements: str, database: str = "postgres") -> None:
        """Run statements, which a semicolon parts, as the server's administrator."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        ) as connection:
            for statement in filter(None, statements.split(";")):
                connection.execute(statement.encode())

    @contextmanager
    def access_rules(self, *lines: str) -> Iterator[None]:
        """Have lines before the others of pg_hba.conf."""
        file = self.data / "pg_hba.conf"
        before = file.read_text()
        file.write_text("\n".join([*lines, before]))
        self.control("reload")
        try:
            yield
        finally:
            file.write_text(before)
            self.control("reload")

    def enable_tls(self) -> None:
        files = ("-keyout", "server.key", "-out", "server.crt")
        openssl(self.data, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, "-subj=/CN=db")
        for name in ("server.key", "server.crt"):
            shutil.copystat(self.data / "PG_VERSION", self.data / name)
            status = (self.data / "PG_VERSION").stat()
            os.chown(self.data / name, status.st_uid, status.st_gid)
        (self.data / "server.key").chmod(0o600)
        self.sql("ALTER SYSTEM SET ssl = on")
        self.control("reload")


def as_postgres(command: list[str]) -> None:
    user: int | None = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres").pw_uid
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
