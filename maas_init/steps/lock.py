"""Step: one container at a time prepares the database."""

import psycopg

from maas_init.report import Step
from maas_init.steps.database import Connection

# Ours alone: MAAS's locks have class 20120116 (facts/maas-versions.md 1.5).
LOCK = (568, 1)
TRY_SECONDS = 4
# How long somebody else's lock on a table of MAAS's may stop us, as a restore's does.
OTHERS_SECONDS = 60


def acquire(connection: Connection, host: str, step: Step) -> None:
    """Wait until this connection holds the lock; it is freed with the connection, however it ends.

    `host` is said to who waits for us. MAAS's own dbupgrade takes no lock, and two at once fail
    (facts/maas-region-run.md 4).
    """
    # 63 bytes are the longest name that PostgreSQL keeps
    name = f"maas-init on {host}".encode("ascii", "replace")[:63]
    connection.execute("SELECT set_config('application_name', %s, false)", [name.decode()])
    connection.execute(f"SET lock_timeout = '{TRY_SECONDS}s'".encode())
    held = _try(connection)
    while not held:
        step.say(f"waiting for {_holder(connection)}")
        held = _wait(connection)
    connection.execute(f"SET lock_timeout = '{OTHERS_SECONDS}s'".encode())
    step.result("this container alone prepares the database now")


def _try(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK).fetchone()
    return bool(row and row[0])


def _wait(connection: Connection) -> bool:
    try:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", LOCK)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _holder(connection: Connection) -> str:
    row = connection.execute(
        "SELECT a.application_name, coalesce(host(a.client_addr), 'an address not shown to us'),"
        " coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " 'a time not shown to us')"
        " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.database = a.datid AND l.granted"
        " AND (l.classid, l.objid, l.objsubid) = (%s, %s, 2)",
        LOCK,
    ).fetchone()
    if row is None:
        return "another container, which has just done with the database"
    name, address, since = row
    return f"{name} at {address}, which prepares this database and is connected since {since}"
