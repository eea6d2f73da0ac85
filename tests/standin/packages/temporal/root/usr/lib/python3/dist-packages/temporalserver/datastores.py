"""The connections to both schemas, and this server's rows in cluster_membership."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import psycopg2
import psycopg2.extensions

from temporalserver import postgres
from temporalserver.configuration import Role, Store, Unusable

RECORD_EXPIRY = "48 hours"

REGISTER = """
INSERT INTO cluster_membership VALUES (0, %s, %s, %s, %s, timezone('utc', now()),
    timezone('utc', now()), timezone('utc', now()) + %s::interval)
ON CONFLICT (membership_partition, host_id) DO UPDATE SET
    last_heartbeat = excluded.last_heartbeat, record_expiry = excluded.record_expiry
"""

PRUNE = "DELETE FROM cluster_membership WHERE record_expiry < timezone('utc', now())"


class Datastore:
    """A fixed number of connections with one schema as their search path."""

    def __init__(self, store: Store, needed_version: str) -> None:
        self.store = store
        self.needed_version = needed_version
        self._connections: list[psycopg2.extensions.connection | None] = [None] * store.connections

    def open(self) -> None:
        """Connect, and refuse a schema that is missing or too old, as Temporal does."""
        try:
            self.refresh()
            found = self._fetch("SELECT curr_version FROM schema_version")
        except psycopg2.errors.UndefinedTable:
            found = []
        except psycopg2.Error as failure:
            reason = " ".join(str(failure).split())
            raise Unusable(f"datastore {self.store.name}: {reason}") from None
        version = found[0][0] if found else None
        if version is None:
            raise Unusable(
                f"datastore {self.store.name}: the schema is missing (no schema_version)"
            )
        if _numbers(version) < _numbers(self.needed_version):
            raise Unusable(
                f"datastore {self.store.name}: the schema is version {version}, "
                f"{self.needed_version} is needed"
            )

    def refresh(self) -> None:
        """Make anew whatever connection is broken."""
        for index, connection in enumerate(self._connections):
            if connection is not None:
                try:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
                    continue
                except psycopg2.Error:
                    connection.close()
                    self._connections[index] = None
            self._connections[index] = self._connect()

    def execute(self, statement: str, rows: Iterable[list[object]] = ([],)) -> None:
        with self._first().cursor() as cursor:
            cursor.executemany(statement, list(rows))

    def _fetch(self, query: str) -> list[tuple[str, ...]]:
        with self._first().cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _first(self) -> psycopg2.extensions.connection:
        connection = self._connections[0]
        if connection is None:
            raise psycopg2.OperationalError("not connected")
        return connection

    def _connect(self) -> psycopg2.extensions.connection:
        store = self.store
        connection = postgres.connect(
            store.host, store.port, store.user, store.password, store.database, store.attributes
        )
        connection.autocommit = True
        return connection


class Membership:
    """One row for each role; the rows of earlier lives stay until they expire."""

    def __init__(self, store: Datastore, address: str, roles: Iterable[Role]) -> None:
        self.store = store
        self._rows: list[list[object]] = [
            [uuid.uuid1().bytes, address, role.membership_port, role.number, RECORD_EXPIRY]
            for role in roles
        ]

    def heartbeat(self) -> None:
        self.store.execute(REGISTER, self._rows)
        self.store.execute(PRUNE)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
