"""Temporary files that nobody removes: a killed MAAS leaves some, and regiond at each start."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from housekeeping.attempts import each

UNUSED_SECONDS = 24 * 60 * 60
# Of MAAS's atomic writes, its commissioning of its own host, init's and the healthcheck's attempts
# to write (facts/maas-region-run.md 1.3 and 2).
PATTERNS = (
    ".*.tmp",
    "*/.*.tmp",
    "maas-commission-*",
    ".maas-init.*",
    "*/.maas-init.*",
    ".healthcheck.*",
)


def remove(data: Path, temporary: Path) -> int:
    """Remove what nothing in it was written for a day; return how many files and directories."""
    candidates = [*temporary.iterdir()]
    for pattern in PATTERNS:
        candidates += data.glob(pattern)
    unused = [p for p in candidates if time.time() - max(_written(p)) > UNUSED_SECONDS]
    return each(unused, _remove)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _written(path: Path) -> Iterator[float]:
    """Yield when a file, or a directory and each thing in it, was written last, in Unix time."""
    yield path.lstat().st_mtime
    if path.is_symlink():
        return
    for name, directories, files in os.walk(path):
        yield from (os.lstat(os.path.join(name, entry)).st_mtime for entry in directories + files)
