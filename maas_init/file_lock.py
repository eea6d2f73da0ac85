"""Keeps a second process out by a lock on a file, which ends with the process that holds it."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("init")

RETRY_SECONDS = 0.2
SAID_EVERY_SECONDS = 4.0


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Wait for the lock, saying that `what` is waited for. Raises OSError for an unusable path."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        said_at = -SAID_EVERY_SECONDS
        while not _try(descriptor):
            if time.monotonic() - said_at >= SAID_EVERY_SECONDS:
                log.info("waiting for %s", what)
                said_at = time.monotonic()
            time.sleep(RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
