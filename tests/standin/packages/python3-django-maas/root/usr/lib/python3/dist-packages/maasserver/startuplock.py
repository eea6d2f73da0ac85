"""The advisory lock under which regions start, one after the other (maas-versions.md 1.5)."""

from __future__ import annotations

import time

import psycopg2.extensions
from provisioningserver import log

NUMBERS = (20120116, 1)
POLL = 5.0

HELD = """
SELECT EXISTS (
    SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND granted
    AND (classid, objid) = (%s, %s)
)
"""


def wait_until_free(connection: psycopg2.extensions.connection, origin: str) -> None:
    """What 3.6 and later do before they start beside regiond (maas-37-region-run.md 3)."""
    while _held(connection):
        log.info(origin, f"A region starts: asking again in {POLL:.0f} s.")
        time.sleep(POLL)


def _held(connection: psycopg2.extensions.connection) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(HELD, NUMBERS)
        return bool(cursor.fetchone()[0])
