"""Step: one container at a time prepares the database."""

import time
from collections.abc import Callable

from maas_init.report import Step
from maas_init.steps.database import Connection

# Ours alone: MAAS's locks have class 20120116 (facts/maas-versions.md 1.5).
LOCK = (568, 1)
RETRY_SECONDS = 1.0


def acquire(
    connection: Connection, step: Step, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until this connection holds the lock; it is freed with the connection, however it ends.

    MAAS's own dbupgrade takes no lock, and two at once fail (facts/maas-region-run.md 4).
    """
    waited = 0.0
    while not _try(connection):
        step.progress(f"another container prepares this database; waiting since {waited:.0f} s")
        sleep(RETRY_SECONDS)
        waited += RETRY_SECONDS
    step.result("held")


def _try(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK).fetchone()
    return bool(row and row[0])
