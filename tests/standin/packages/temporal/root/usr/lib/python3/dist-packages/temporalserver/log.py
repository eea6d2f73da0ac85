"""Log lines as Temporal writes them: one JSON object a line, on stdout."""

from __future__ import annotations

import datetime
import json
import threading

_lock = threading.Lock()


def write(level: str, message: str, **tags: object) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    entry = {"level": level, "ts": now.isoformat(timespec="milliseconds"), "msg": message, **tags}
    with _lock:
        print(json.dumps(entry), flush=True)


def info(message: str, **tags: object) -> None:
    write("info", message, **tags)


def error(message: str, **tags: object) -> None:
    write("error", message, **tags)
