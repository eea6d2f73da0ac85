"""Check: MAAS's directories are there, can be written, and have room."""

import os
import shutil
import tempfile
from pathlib import Path

from healthcheck.check import Check, Failure, Run, State, Target, in_thread

LEAST_FREE_MB = 200
MB = 2**20
# A full disk may have room for a name.
SAMPLE = b"\0" * 4096


def _make(target: Target) -> Run:
    # What MAAS needs, and what only logs and the package proxy need.
    vital = {"data": target.data, "run": target.run, "tmp": Path(tempfile.gettempdir())}
    others = {"log": target.log, "proxy_cache": target.proxy_cache}
    # Without these MAAS floods its log or stands still (facts/maas-region-run.md 2).
    below = (
        *(target.data / name for name in ("certificates", "image-storage")),
        *(target.dns, target.proxy, target.http, target.temporal, target.syslog),
    )

    def look() -> Failure | None:
        usage = {name: _usage(path) for name, path in (vital | others).items()}
        for reading, index in (("size", 0), ("free", 1)):
            target.readings[f"maas_directory_{reading}_bytes"] = {
                name: float(values[index]) for name, values in usage.items() if values
            }
        failures = [_unwritable(name, path) for name, path in vital.items()]
        failures += [_unusable(path) for path in below]
        failures += [_unwritable(name, path, degrades=True) for name, path in others.items()]
        failures += [
            Failure(
                f"only {usage[name][1] // MB} MB are free for {name}",
                str(path),
                "make room there, or enlarge the volume or its quota",
                degrades=True,
            )
            for name, path in {"data": target.data, **others}.items()
            if usage[name] and usage[name][1] < LEAST_FREE_MB * MB
        ]
        return next(filter(None, failures), None)

    return in_thread(look)


def _usage(path: Path) -> tuple[int, ...]:
    """Return the size and what is free, in bytes; nothing where that cannot be told."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return ()
    return usage.total, usage.free


def _unwritable(name: str, path: Path, degrades: bool = False) -> Failure | None:
    try:
        with tempfile.TemporaryFile(dir=path) as file:  # without a name: nothing can be left
            file.write(SAMPLE)
            file.flush()
    except OSError as error:
        return Failure(f"{name} cannot be written", f"{path}: {error.strerror}", degrades=degrades)
    return None


def _unusable(path: Path) -> Failure | None:
    if os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return None
    what = "cannot be written" if path.exists() else "is missing"
    return Failure(f"a directory below data {what}", str(path), "docker compose restart maas")


CHECK = Check(
    name="directories",
    proves="MAAS's directories are there, can be written, and have room",
    means="MAAS cannot keep its state: images, DNS, logs",
    weight=State.UNHEALTHY,
    period=30.0,
    timeout=10.0,
    make=_make,
)
