"""Check: PostgreSQL answers on a connection that is kept open."""

from collections.abc import Awaitable, Callable

import psycopg

from healthcheck.check import Check, Failure, Target

CONNECT_TIMEOUT_SECONDS = 4


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def run() -> Failure | None:
        nonlocal connection
        try:
            if connection is None or connection.closed:
                connection = await psycopg.AsyncConnection.connect(
                    **target.settings.connection_parameters(),
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    application_name="maas-healthcheck",
                    autocommit=True,
                )
            await connection.execute("SELECT 1")
        except psycopg.Error as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            if connection:
                await connection.close()
            return Failure(f"PostgreSQL does not answer: {lines[-1]} (docker compose ps postgres)")
        return None

    return run


CHECK = Check(
    name="database",
    proves="PostgreSQL lets us in and answers",
    period=10.0,
    timeout=8.0,
    make=_make,
)
