"""Log lines in the shape that regiond's have: time, origin, [level], text; on stdout."""

from __future__ import annotations

import sys
import threading
import time
import traceback

_lock = threading.Lock()


def write(origin: str, level: str, message: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with _lock:
        sys.stdout.write(f"{stamp} {origin}: [{level}] {message}\n")
        sys.stdout.flush()


def info(origin: str, message: str) -> None:
    write(origin, "info", message)


def warn(origin: str, message: str) -> None:
    write(origin, "warn", message)


def error(origin: str, message: str, trace: bool = False) -> None:
    """An error; with `trace`, followed by the traceback of the exception in hand."""
    if trace:
        message = f"{message}\n{traceback.format_exc().rstrip()}"
    write(origin, "critical", message)
