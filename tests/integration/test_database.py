import logging
import socket

import psycopg
import pytest
from database_server import Server
from eventually import eventually

from maas_init import sqlstate
from maas_init.errors import DatabaseRefused, DatabaseUnavailable
from maas_init.report import Report, Step
from maas_init.steps import database as database_step
from settings import Settings


@pytest.fixture
def step() -> Step:
    return Step(Report(None), {"name": "test"})


def never(_seconds: float) -> None:
    raise AssertionError("tried again")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"POSTGRES_PASSWORD": "wrong"}, "POSTGRES_PASSWORD"),
        ({"POSTGRES_DB": "nothing"}, 'CREATE DATABASE "nothing" OWNER'),
        ({"POSTGRES_USER": "nobody"}, "POSTGRES_PASSWORD"),  # the server tells no more
    ],
)
def test_a_refusal_is_not_tried_again(
    server: Server, step: Step, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        database_step.wait(server.settings(**changes), step, never)
    assert words in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert "the server says: " in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "undo", "words"),
    [
        ("ALTER ROLE maas NOLOGIN", "ALTER ROLE maas LOGIN", "it may not log in"),
        (
            "ALTER DATABASE maasdb OWNER TO postgres; REVOKE ALL ON DATABASE maasdb FROM maas;"
            "REVOKE CONNECT ON DATABASE maasdb FROM PUBLIC",
            "",
            'ALTER DATABASE "maasdb" OWNER TO "maas"',
        ),
        (
            "ALTER DATABASE maasdb ALLOW_CONNECTIONS false",
            "ALTER DATABASE maasdb ALLOW_CONNECTIONS true",
            "ALLOW_CONNECTIONS true",
        ),
    ],
)
def test_refusals_of_a_role_or_database(
    server: Server, database: Settings, step: Step, statement: str, undo: str, words: str
) -> None:
    server.sql(statement)
    try:
        with pytest.raises(DatabaseRefused) as caught:
            database_step.wait(database, step, never)
    finally:
        server.sql(undo)
    assert words in str(caught.value)


def test_an_address_that_the_server_does_not_let_in(
    server: Server, database: Settings, step: Step
) -> None:
    with (
        server.access_rules("host all maas 127.0.0.1/32 reject"),
        pytest.raises(DatabaseRefused, match=r"pg_hba\.conf, without TLS"),
    ):
        database_step.wait(database, step, never)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"POSTGRES_PORT": "1"}, "Connection refused"),
        ({"POSTGRES_HOST": "no-such-host.invalid"}, "no-such-host.invalid cannot be resolved"),
    ],
)
def test_what_may_come_is_waited_for(
    server: Server, step: Step, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(DatabaseUnavailable, match="MAAS_DB_WAIT") as caught:
        database_step.wait(server.settings(**changes, MAAS_DB_WAIT="1"), step)
    assert words in str(caught.value)


def test_a_server_without_a_free_connection_is_waited_for(
    server: Server, database: Settings, step: Step
) -> None:
    server.sql("ALTER ROLE maas CONNECTION LIMIT 0")

    def sleep(_seconds: float) -> None:
        server.sql("ALTER ROLE maas CONNECTION LIMIT -1")

    database_step.wait(database, step, sleep).close()
    server.sql("ALTER ROLE maas CONNECTION LIMIT 0")
    with pytest.raises(DatabaseUnavailable, match="no connection left"):
        database_step.wait(server.settings(**as_role(), MAAS_DB_WAIT="1"), step)


def as_role() -> dict[str, str]:
    return {"POSTGRES_USER": "maas", "POSTGRES_PASSWORD": "p-1", "POSTGRES_DB": "maasdb"}


def test_a_server_that_stops_or_starts_is_waited_for(
    server: Server, database: Settings, step: Step
) -> None:
    session = database_step.connect(database)
    server.control("--mode", "smart", "--no-wait", "stop")  # it waits for the session to end
    said: list[str] = []

    def sleep(_seconds: float) -> None:
        try:
            database_step.connect(database)
        except psycopg.OperationalError as error:
            said.append(database_step.explain(error, database))
        if not session.closed:
            session.close()
            eventually(lambda: not server.running(), 10)
            server.start()

    database_step.wait(database, step, sleep).close()
    assert said[0].startswith("it is starting up, recovering or shutting down: FATAL: ")


def test_a_server_that_comes_late_is_found(server: Server, database: Settings, step: Step) -> None:
    server.stop()
    delays = []

    def sleep(seconds: float) -> None:
        delays.append(seconds)
        server.start()

    database_step.wait(database, step, sleep).close()
    assert len(delays) == 1


def test_the_reason_comes_from_the_server_s_sqlstate(server: Server, database: Settings) -> None:
    def state(**changes: str) -> str | None:
        parameters = database.connection_parameters() | changes
        return sqlstate.of_failed_connection(psycopg.conninfo.make_conninfo("", **parameters), 3)

    assert state() is None
    assert state(password="wrong") == "28P01"
    assert state(dbname="nothing") == "3D000"
    assert state(port="1") is None
    assert state(host="no-such-host.invalid") is None


def test_waiting_says_something(
    server: Server, step: Step, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maas_init.report.PROGRESS_SECONDS", 0.0)
    with caplog.at_level(logging.INFO), pytest.raises(DatabaseUnavailable):
        database_step.wait(server.settings(POSTGRES_PORT="1", MAAS_DB_WAIT="1"), step)
    assert "waiting for PostgreSQL at 127.0.0.1:1: Connection refused" in caplog.text


def test_a_server_that_is_silent_is_given_up_in_time(server: Server, step: Step) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        with pytest.raises(DatabaseUnavailable, match="no answer within"):
            database_step.wait(server.settings(POSTGRES_PORT=port, MAAS_DB_WAIT="1"), step)
