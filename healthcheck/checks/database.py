"""Check: PostgreSQL lets us in, answers, and has room for more connections.

A question each time on a connection that is kept; a new one once a minute, for a database that
takes nobody else may go on answering those that it has.
"""

import time

import psycopg

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.foreign import WRONG_SHAPE

CONNECT_TIMEOUT_SECONDS = 4
CONNECTION_SECONDS = 60.0
SIZE_SECONDS = 300.0
BUSY = 0.9  # of the connections that there may be
PREFIX = "maas_database_"
READINGS = (
    "maas_database_round_trip_seconds",
    "maas_database_connections",
    "maas_database_max_connections",
)
# Of another role's sessions an ordinary role sees hardly more than their database.
CONNECTIONS = """
SELECT count(*) FILTER (
           WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL),
       current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0)
FROM pg_stat_activity
"""
MEND = "docker compose ps postgres"

Connection = psycopg.AsyncConnection[tuple[float, ...]]


class _Database:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: Connection | None = None
        self._connected_at = self._sized_at = float("-inf")

    async def look(self) -> Failure | None:
        """Return why the database will not do, if so."""
        try:
            connection = await self._fresh_connection()
        except psycopg.Error as error:
            return await self._explain_refusal(error)
        try:
            begun = time.monotonic()
            await connection.execute("SELECT 1")
            round_trip = time.monotonic() - begun
            used, allowed = await self._ask(connection, CONNECTIONS)
            await self._look_at_size(connection)
        except (psycopg.Error, *WRONG_SHAPE) as error:
            await self._forget()
            return _no_answer(error)
        self._target.readings.update(zip(READINGS, (round_trip, used, allowed), strict=True))
        return _busy(used, allowed) if used >= BUSY * allowed else None

    async def _explain_refusal(self, error: psycopg.Error) -> Failure:
        """Say why there is no new connection: an older one may tell, whatever the language."""
        if self._connection:
            try:
                used, allowed = await self._ask(self._connection, CONNECTIONS)
            except (psycopg.Error, *WRONG_SHAPE):
                await self._forget()
            else:
                self._target.readings.update(zip(READINGS[1:], (used, allowed), strict=True))
                if used >= allowed:
                    return _busy(used, allowed)
        return _no_answer(error)

    async def _fresh_connection(self) -> Connection:
        now = time.monotonic()
        if self._connection is None or now - self._connected_at > CONNECTION_SECONDS:
            older = self._connection
            self._connection = await psycopg.AsyncConnection.connect(
                **self._target.settings.connection_parameters(),
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="maas-healthcheck",
                autocommit=True,
            )
            self._connected_at = time.monotonic()
            self._target.readings["maas_database_connect_seconds"] = self._connected_at - now
            if older:
                await older.close()
        return self._connection

    async def _look_at_size(self, connection: Connection) -> None:
        if time.monotonic() - self._sized_at > SIZE_SECONDS:
            (size,) = await self._ask(connection, "SELECT pg_database_size(current_database())")
            self._sized_at = time.monotonic()
            self._target.readings["maas_database_size_bytes"] = size

    async def _ask(self, connection: Connection, query: str) -> tuple[float, ...]:
        row = await (await connection.execute(query)).fetchone()
        return tuple(map(float, row or ()))

    async def _forget(self) -> None:
        for reading in [name for name in self._target.readings if name.startswith(PREFIX)]:
            del self._target.readings[reading]
        self._sized_at = float("-inf")
        if self._connection:
            await self._connection.close()
        self._connection = None


def _busy(used: float, allowed: float) -> Failure:
    return Failure(
        f"{used:.0f} of {allowed:.0f} connections are in use",
        mend="more of them: max_connections in compose.yaml",
        degrades=used < allowed,
    )


def _no_answer(error: Exception) -> Failure:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return Failure("PostgreSQL does not answer", lines[-1], MEND)


def _make(target: Target) -> Run:
    return _Database(target).look


CHECK = Check(
    name="database",
    proves="PostgreSQL lets us in, answers, and has connections left",
    means="nothing of MAAS works; it goes on by itself when the database is back",
    weight=State.UNHEALTHY,
    period=10.0,
    timeout=8.0,
    make=_make,
)
