"""Log lines on stdout, in the shape that regiond's have: time, origin, [level], text.

Since 3.7 those of apiserver and temporal-worker are JSON (maas-37-region-run.md 10).
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback

from provisioningserver import release

_lock = threading.Lock()
_json = False


def as_of_daemons() -> None:
    """From now on in the shape of apiserver and temporal-worker."""
    global _json
    _json = release.JSON_LOG


def write(origin: str, level: str, message: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    line = f"{stamp} {origin}: [{level}] {message}"
    if _json:
        line = json.dumps({"timestamp": stamp, "level": level, "logger": origin, "event": message})
    with _lock:
        sys.stdout.write(f"{line}\n")
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
