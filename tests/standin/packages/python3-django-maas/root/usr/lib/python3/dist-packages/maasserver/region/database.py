"""Living with a database that may be away: regiond never exits because of it (7.2, 7.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error, connection, connections
from provisioningserver import log, paths

LOCK_CLASS = 20120116
LOCK_STARTUP = 1


def own_id() -> str:
    """The maas_id, or nothing where there is none yet."""
    try:
        return paths.maas_id().read_text().strip()
    except OSError:
        return ""


def name_connections() -> None:
    """`maas-regiond-<maas_id>`; NO_ID in processes older than the id (maas-operate.md 4)."""
    options = connections.databases["default"].setdefault("OPTIONS", {})
    options["application_name"] = f"maas-regiond-{own_id() or 'NO_ID'}"


def wait() -> None:
    """Until a connection can be made, one attempt and one line a second."""
    while True:
        try:
            connection.close()
            connection.ensure_connection()
            return
        except Error as failure:
            log.error(
                "maasserver.start_up",
                f"Connection to database cannot be established. {str(failure).strip()}",
            )
            time.sleep(1)


@contextmanager
def startup_lock() -> Iterator[None]:
    """The advisory lock that serialises the start of several regions (maas-versions.md 1.5)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, LOCK_STARTUP])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, LOCK_STARTUP])


def every(seconds: float, origin: str, action: Callable[[], None]) -> threading.Thread:
    """Do something again and again in a thread of its own, whatever goes wrong."""

    def loop() -> None:
        while True:
            try:
                action()
            except Error as failure:
                log.error(origin, f"Database error: {str(failure).strip()}", trace=True)
                connection.close()
            except Exception as failure:
                log.error(origin, f"{type(failure).__name__}: {failure}", trace=True)
            time.sleep(seconds)

    return in_thread(origin, loop)


def in_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
