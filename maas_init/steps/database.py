"""Step: PostgreSQL answers and lets us in."""

import re
import time
from collections.abc import Callable

import psycopg

from maas_init import sqlstate
from maas_init.errors import DatabaseRefused, DatabaseUnavailable
from maas_init.report import Step
from settings import Settings

# For each address that the host's name has; short, so that progress is said in time.
CONNECT_TIMEOUT_SECONDS = 3
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 2.0
APPLICATION_NAME = "maas-init"
# A peer that vanished without a word, as in a power cut, is given up after 30 s on both sides:
# PostgreSQL would keep its locks for two hours.
KEEPALIVE = {"idle": 15, "interval": 5, "count": 3}
UNANSWERED_MILLISECONDS = 30_000

Connection = psycopg.Connection[tuple[object, ...]]

# What the server says in its refusal: SQLSTATE -> what to mend
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
REFUSALS = {
    "28P01": "the password was refused, or there is no such role. Set POSTGRES_PASSWORD (or its"
    " file) to the password of that role; to change the role's: docker compose exec postgres"
    " psql -U {user} -d {database} -c '\\password'",
    "28000": "there is no such role, it may not log in, or not from here. Set POSTGRES_USER, or"
    ' create it: CREATE ROLE "{user}" LOGIN PASSWORD …',
    "3D000": "there is no such database. Set POSTGRES_DB, or create it:"
    ' CREATE DATABASE "{database}" OWNER "{user}"',
    "42501": "the role may not connect to it, for it is not its owner. As the server's"
    ' administrator: ALTER DATABASE "{database}" OWNER TO "{user}"',
    "55000": "the database lets nobody in. As the server's administrator:"
    ' ALTER DATABASE "{database}" ALLOW_CONNECTIONS true',
}
NOT_ALLOWED = (
    "the server does not allow this connection. Allow it in the server's pg_hba.conf, without TLS,"
    " which MAAS's Temporal does not use: host {database} {user} <address of this container>"
    " scram-sha-256"
)
# These pass: trying again helps.
PASSING = {
    "53300": "it has no connection left (its max_connections, or a limit of the role)",
    "57P01": "it is shutting down",
    "57P02": "it is shutting down",
    "57P03": "it is starting up, recovering or shutting down",
}


def wait(settings: Settings, step: Step, sleep: Callable[[float], None] = time.sleep) -> Connection:
    """Connect to the database, trying again while it is not there yet.

    Raises DatabaseUnavailable when the time given for it is over, DatabaseRefused when trying again
    would not help.
    """
    where = f"{settings.postgres_host}:{settings.postgres_port}"
    deadline = time.monotonic() + settings.maas_db_wait
    delay = FIRST_DELAY_SECONDS
    step.progress(f"connecting to PostgreSQL at {where}")
    while True:
        try:
            return connect(settings)
        except psycopg.OperationalError as error:
            failure = error
        reason = explain(failure, settings)
        left = deadline - time.monotonic()
        if left <= 0:
            raise DatabaseUnavailable(
                f"cannot reach PostgreSQL at {where} within {settings.maas_db_wait} s"
                f" (MAAS_DB_WAIT): {reason}. Check POSTGRES_HOST and POSTGRES_PORT, and that it"
                " runs: docker compose ps postgres"
            )
        step.progress(f"waiting for PostgreSQL at {where}: {reason}")
        sleep(min(delay, left))
        delay = min(delay * 2, LONGEST_DELAY_SECONDS)


def connect(settings: Settings, **parameters: str) -> Connection:
    """Open a connection in which each statement is a transaction. Raises psycopg.Error."""
    connection = psycopg.connect(_conninfo(settings, **parameters), autocommit=True)
    wanted = {f"tcp_keepalives_{name}": value for name, value in KEEPALIVE.items()}
    wanted |= dict.fromkeys(("statement_timeout", "idle_session_timeout"), 0)
    for name, value in wanted.items():
        connection.execute(  # not every server knows every setting
            "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s",
            [str(value), name],
        )
    return connection


def is_gone(connection: Connection) -> bool:
    """Say whether the connection has been lost."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def explain(error: psycopg.OperationalError, settings: Settings) -> str:
    """Say why a connection failed, where trying again may help. Raises DatabaseRefused else."""
    text = _cause(str(error))
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return f"no answer within {CONNECT_TIMEOUT_SECONDS} s"
    if "failed to resolve host" in text:
        return f"the name {settings.postgres_host} cannot be resolved"
    state = sqlstate.of_failed_connection(_conninfo(settings), CONNECT_TIMEOUT_SECONDS)
    advice = REFUSALS.get(state or "")
    if state == "28000" and re.search(r"pg_hba|certificate|SSL", text):
        advice = NOT_ALLOWED
    if advice:
        raise refusal(settings, advice, text)
    if state in PASSING:
        return f"{PASSING[state]}: {text}"
    return text


def refusal(settings: Settings, advice: str, text: str) -> DatabaseRefused:
    """Return the error that says what the server refuses, and what mends it."""
    named = advice.format(user=settings.postgres_user, database=settings.postgres_db)
    return DatabaseRefused(
        f"cannot log in to PostgreSQL at {settings.postgres_host}:{settings.postgres_port} as"
        f" {settings.postgres_user}, database {settings.postgres_db}: {named}"
        f" (the server says: {text})"
    )


def _conninfo(settings: Settings, **parameters: str) -> str:
    return psycopg.conninfo.make_conninfo(
        "",
        **settings.connection_parameters(),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name=APPLICATION_NAME,
        tcp_user_timeout=UNANSWERED_MILLISECONDS,
        client_encoding="utf8",  # else an SQL_ASCII database's text comes as bytes
        **{f"keepalives_{name}": value for name, value in KEEPALIVE.items()},
        **parameters,
    )


def _cause(text: str) -> str:
    """Return the cause out of libpq's text, which has an attempt for each address, and hints."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line.rpartition("failed: ")[2] for line in lines if "failed: " in line]
    return (causes or lines or ["no reason given"])[-1]
