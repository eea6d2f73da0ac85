"""Step: PostgreSQL answers, lets us in, and fits this image."""

import re
import subprocess
import time
from collections.abc import Callable

import psycopg

from maas_init.errors import ConfigurationUnusable, DatabaseRefused, DatabaseUnavailable
from maas_init.report import Step
from settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 2.0
OLDEST_SERVER = 12  # MAAS 3.5 to 3.7 (facts/maas-versions.md 1.1)

Connection = psycopg.Connection[tuple[object, ...]]

# libpq tells no SQLSTATE of a connection that failed, only the server's text. What is not in this
# list may be better in a moment; what is in it will not.
REFUSALS = (
    (
        r"password authentication failed|no password supplied",
        "the password was refused. Set POSTGRES_PASSWORD (or its file) to the password of that"
        " role; to change the role's: docker compose exec postgres psql -U {user} -d {database}"
        " -c '\\password'",
    ),
    (
        r"role \".*\" does not exist|is not permitted to log in",
        "there is no such role. Set POSTGRES_USER, or create it: CREATE ROLE {user} LOGIN",
    ),
    (
        r"database \".*\" does not exist",
        "there is no such database. Set POSTGRES_DB, or create it:"
        " CREATE DATABASE {database} OWNER {user}",
    ),
    (
        r"permission denied for database",
        "the role may not connect. As the server's administrator:"
        " ALTER DATABASE {database} OWNER TO {user}",
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects|server does not support SSL",
        "the server does not allow this connection. Allow it in the server's pg_hba.conf",
    ),
)


def wait(settings: Settings, step: Step, sleep: Callable[[float], None] = time.sleep) -> Connection:
    """Connect to the database, trying again while it is not there yet.

    Raises DatabaseUnavailable when the time given for it is over, DatabaseRefused when trying again
    would not help.
    """
    where = f"{settings.postgres_host}:{settings.postgres_port}"
    deadline = time.monotonic() + settings.maas_db_wait
    delay = FIRST_DELAY_SECONDS
    while True:
        try:
            return connect(settings)
        except psycopg.OperationalError as error:
            reason = _reason(error)
            refusal = _refusal(str(error), settings)
        if refusal:
            raise DatabaseRefused(
                f"cannot log in to PostgreSQL at {where} as {settings.postgres_user}, database"
                f" {settings.postgres_db}: {refusal} (the server says: {reason})"
            )
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


def connect(settings: Settings) -> Connection:
    """Open a connection in which each statement is a transaction. Raises psycopg.Error."""
    return psycopg.connect(
        **settings.connection_parameters(),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name="maas-init",
        autocommit=True,
    )


def check_versions(connection: Connection) -> tuple[str, list[str]]:
    """Compare server, client and MAAS; return the server's version and warnings.

    Raises ConfigurationUnusable: pg_dump refuses a server that is newer than itself.
    """
    server = connection.info.server_version // 10000
    text = str(connection.info.parameter_status("server_version"))
    if server < OLDEST_SERVER:
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {text}: MAAS needs {OLDEST_SERVER} or newer. Dump the database,"
            " start a newer PostgreSQL with an empty volume, and restore the dump"
        )
    client = client_version()
    if server > client:
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {text}: this image's client is {client}, and could not dump it"
            " before a migration. Use a newer image, or an older PostgreSQL"
        )
    row = connection.execute("SHOW server_encoding").fetchone()
    warnings = []
    if row and row[0] != "UTF8":
        warnings.append(
            f"the database's encoding is {row[0]}, not UTF8: MAAS answers with errors where a name"
            " holds other letters than English ones"
        )
    return text, warnings


def client_version() -> int:
    """Return the major version of the image's pg_dump."""
    output = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"(\d+)(\.|\D*$)", output.stdout)
    if not match:
        raise RuntimeError(f"pg_dump --version says {output.stdout!r}")
    return int(match[1])


def _refusal(text: str, settings: Settings) -> str | None:
    for pattern, advice in REFUSALS:
        if re.search(pattern, text):
            return advice.format(user=settings.postgres_user, database=settings.postgres_db)
    return None


def _reason(error: psycopg.OperationalError) -> str:
    """Return the cause out of libpq's text, which has an attempt for each address, and hints."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.rpartition("failed: ")[2] for line in lines if "failed: " in line]
    return (causes or lines or [type(error).__name__])[-1]
