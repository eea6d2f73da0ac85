"""Fixtures: a PostgreSQL server, and an empty database in it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from database_server import BINARIES, PASSWORD, Server, as_postgres
from unused_port import unused_port

from settings import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Share out the integration tests to the sessions of tests/all.py."""
    for item in items:
        if item.path.parent == HERE and "server" not in item.fixturenames:
            item.add_marker("supervisord")


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
    server = Server(data, unused_port())
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.fixture
def database(server: Server) -> Settings:
    """Give the settings of an empty database with an owner of its own."""
    server.sql(
        "DROP DATABASE IF EXISTS maasdb WITH (FORCE); DROP ROLE IF EXISTS maas;"
        "CREATE ROLE maas LOGIN PASSWORD 'p-1'; CREATE DATABASE maasdb OWNER maas"
    )
    return server.settings(POSTGRES_USER="maas", POSTGRES_PASSWORD="p-1", POSTGRES_DB="maasdb")
