"""Regions that work on the database at this moment."""

import time
from collections.abc import Callable
from pathlib import Path

from maas_init.errors import DatabaseUnavailable
from maas_init.report import Step
from maas_init.steps.database import Connection

# A region that lives asks the database something every 30 s at least.
WAIT_SECONDS = 35.0
SETTLE_SECONDS = 3.0
# MAAS that has been stopped is gone at once.
GONE_WITHIN_SECONDS = 10.0
# What MAAS puts before the identity of its controller (facts/maas-region-run.md 4).
APPLICATION_PREFIX = "maas-regiond-"


def connected(connection: Connection) -> dict[str, object]:
    """Return name and address of each region that is connected -> when it last did something.

    MAAS's commands bear a region's name as well: a migration that is under way shows here, too.
    """
    rows = connection.execute(
        "SELECT application_name, host(client_addr), max(state_change) FROM pg_stat_activity"
        " WHERE datname = current_database() AND starts_with(application_name, %s) GROUP BY 1, 2",
        [APPLICATION_PREFIX],
    ).fetchall()
    return {
        f"{name} at {address or 'an address that is not shown to this role'}": last
        for name, address, last in rows
    }


def wait_until_gone(
    connection: Connection,
    step: Step,
    settle: float = SETTLE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait for running regions to stop, for dbupgrade takes away what they work with.

    One that is starting, or has just lost its connection, comes within a few seconds: `settle`
    says how many to look for it. Raises DatabaseUnavailable when one is still there.
    """
    begun = time.monotonic()
    while (found := connected(connection)) or time.monotonic() - begun < settle:
        if not found:
            sleep(min(1.0, settle))
            continue
        names = ", ".join(found)
        if time.monotonic() - begun >= WAIT_SECONDS:
            raise DatabaseUnavailable(
                f"cannot migrate the database while a region uses it ({names}). Stop that one"
                " first; it may start again when this one has migrated. If it is gone for ever, and"
                " only its connections are left: SELECT pg_terminate_backend(pid) FROM"
                f" pg_stat_activity WHERE application_name LIKE '{APPLICATION_PREFIX}%'"
            )
        step.progress(f"waiting for the region to stop that uses the database: {names}")
        sleep(1.0)


def refuse_twin(
    connection: Connection, maas_id: Path, step: Step, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Return the other regions; raise DatabaseUnavailable where one of them is this very one.

    Two containers on one volume are one controller to MAAS, and write over each other's files.
    Connections that a crash left behind do nothing any more, and are not taken for a region.
    """
    try:
        name = APPLICATION_PREFIX + maas_id.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:  # a volume that no region has used
        return list(connected(connection))
    begun = time.monotonic()
    while True:
        found = connected(connection)
        if time.monotonic() - begun < SETTLE_SECONDS:  # one that has just ended may be ending still
            first = found
        twins = {region for region in found if region.startswith(f"{name} at ")}
        if any(found[twin] != first.get(twin) for twin in twins):
            raise DatabaseUnavailable(
                "cannot start a second region on the volume of a running one:"
                f" {', '.join(sorted(twins))} has this volume's identity ({maas_id}). Stop that"
                " one, or give this one a volume and a host name of its own"
            )
        if not twins or time.monotonic() - begun >= WAIT_SECONDS:
            return [region for region in found if region not in twins]
        step.progress(f"waiting for {', '.join(twins)} to go, which has this volume's identity")
        sleep(1.0)


def wait_until_unused(
    connection: Connection, step: Step, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until nothing of MAAS's is connected. Raises DatabaseUnavailable."""
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while users := _users(connection):
        names = ", ".join(users)
        if time.monotonic() >= deadline:
            raise DatabaseUnavailable(
                f"cannot restore while something uses the database ({names}). Stop MAAS first:"
                " docker compose stop maas; and end what else is logged in as its role"
            )
        step.progress(f"waiting until nothing uses the database: {names}")
        sleep(1.0)


def _users(connection: Connection) -> list[str]:
    """Return who else is logged in as MAAS's role, or is a region by its name.

    Init of another container waits for us.
    """
    rows = connection.execute(
        "SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name'),"
        " coalesce(host(client_addr), 'this host') FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND (usename = current_user AND backend_type = 'client backend'"
        " AND NOT starts_with(application_name, 'maas-init')"
        " OR starts_with(application_name, %s)) ORDER BY 1, 2",
        [APPLICATION_PREFIX],
    ).fetchall()
    return [f"{name} at {address}" for name, address in rows]
