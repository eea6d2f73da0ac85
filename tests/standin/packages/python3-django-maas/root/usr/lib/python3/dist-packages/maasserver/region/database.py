"""Living with a database that may be away: regiond never exits because of it (7.2, 7.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error, connection
from provisioningserver import log

from maasserver import startuplock


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
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", startuplock.NUMBERS)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", startuplock.NUMBERS)


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
