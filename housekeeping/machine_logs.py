"""The log files of MAAS's machines: rsyslog writes one for each machine and each day.

MAAS's own cron job compresses what is older than two days, and never removes anything
(facts/maas-versions.md 1.2).
"""

import bz2
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from housekeeping.attempts import each

DAY_SECONDS = 24 * 60 * 60
COMPRESS_AFTER_SECONDS = 2 * DAY_SECONDS


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    modified: float  # Unix time

    def __str__(self) -> str:
        return str(self.path)

    @property
    def age(self) -> float:
        """Seconds since it was written last."""
        return time.time() - self.modified

    @property
    def finished(self) -> bool:
        """Whether rsyslog writes another one by now."""
        return self.age > COMPRESS_AFTER_SECONDS


def remove_old(directory: Path, days: int) -> int:
    """Remove every file that was not written for that many days; return how many.

    Directories that nothing is in any more go, too.
    """
    old = [f for f in _files(directory) if f.age > days * DAY_SECONDS]
    removed = each(old, lambda file: file.path.unlink())
    each(list(_unused_directories(directory)), os.rmdir)
    return removed


def remove_excess(directory: Path, megabytes: int) -> int:
    """Remove files until all together take no more than that; return how many.

    One machine that logs without end must not cost the others theirs: files that alone take over
    half of it go first, then the oldest.
    """
    most = megabytes * 2**20
    files = sorted(_files(directory), key=lambda file: (file.size <= most // 2, file.modified))
    excess = sum(file.size for file in files) - most
    removed = []
    for file in files:
        if excess <= 0:
            break
        if file.size:
            removed.append(file)
            excess -= file.size
    return each(removed, _remove)


def compress(directory: Path) -> int:
    """Compress every file that was not written for two days; return how many."""
    files = _files(directory)
    return each([f for f in files if f.finished and f.path.suffix != ".bz2"], _compress)


def _compress(file: _File) -> None:
    compressed = file.path.with_name(f"{file.path.name}.bz2")
    unfinished = compressed.with_suffix(".bz2.tmp")
    try:
        with file.path.open("rb") as source, bz2.open(unfinished, "wb") as target:
            shutil.copyfileobj(source, target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    os.utime(unfinished, (file.modified, file.modified))
    unfinished.replace(compressed)
    file.path.unlink()


def _remove(file: _File) -> None:
    if file.finished:
        file.path.unlink()
    else:  # rsyslog has it open: removed, it would go on growing out of sight
        os.truncate(file.path, 0)


def _files(directory: Path) -> list[_File]:
    paths = (Path(name, file) for name, _, files in os.walk(directory) for file in files)
    states = ((path, path.lstat()) for path in paths)
    return [_File(p, s.st_size, s.st_mtime) for p, s in states if stat.S_ISREG(s.st_mode)]


def _unused_directories(top: Path) -> Iterator[str]:
    """Yield empty ones; rsyslog may just have made a young one for the file that comes next."""
    for name, directories, files in os.walk(top):
        if not directories and not files and time.time() - os.stat(name).st_mtime > DAY_SECONDS:
            yield name
