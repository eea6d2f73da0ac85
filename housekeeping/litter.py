"""Temporary files that nobody removes: a killed MAAS leaves some, and regiond at each start."""

import os
import shutil
import stat
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
    """Remove files and directories in which nothing changed for a day; return how many.

    Sockets and the like may be in use whatever their age.
    """
    candidates = [*temporary.iterdir()]
    for pattern in PATTERNS:
        candidates += data.glob(pattern)
    unused = [p for p in candidates if time.time() - max(_changed(p)) > UNUSED_SECONDS]
    return each(unused, _remove)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _changed(path: Path) -> Iterator[float]:
    """Yield when a file, or a directory and each thing in it, changed last, in Unix time."""
    yield _one_changed(path)
    if not path.is_symlink():
        for name, directories, files in os.walk(path):
            yield from (_one_changed(Path(name, entry)) for entry in directories + files)


def _one_changed(path: Path) -> float:
    status = path.lstat()
    if stat.S_IFMT(status.st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        return time.time()
    # a copy may keep the time of what it was made from
    return max(status.st_mtime, status.st_ctime)
