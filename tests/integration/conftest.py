"""A real PostgreSQL of the tests' own, on a free port of loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

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


def as_postgres(command: list[str]) -> None:
    user: int | None = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres").pw_uid
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="truenas-maas-test-"))
    directory.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
    password = directory / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    data = directory / "data"
    as_postgres(
        [
            str(BINARIES[-1] / "initdb"),
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--no-sync",
        ]
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(data, port)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.fixture
def database(server: Server) -> Iterator[Settings]:
    """Give the settings of an empty database with an owner of its own."""
    admin = server.settings()
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE IF EXISTS maasdb WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS maas")
        connection.execute("CREATE ROLE maas LOGIN PASSWORD 'p-1'")
        connection.execute("CREATE DATABASE maasdb OWNER maas")
    yield server.settings(POSTGRES_USER="maas", POSTGRES_PASSWORD="p-1", POSTGRES_DB="maasdb")
    assert admin.postgres_port == server.port
