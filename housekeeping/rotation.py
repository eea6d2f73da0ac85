"""Log files of the services: rsyslog, nginx and squid append to them and never cut them.

Those that PID 1 writes beside them never grow beyond this size: it rotates them itself.
"""

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from housekeeping.attempts import each, log

MOST_BYTES = 10 * 2**20
KEPT = 3


def rotate(*directories: Path) -> int:
    """Copy each `*.log` of more than 10 MB to `*.log.1` and empty it, keeping three; return count.

    Emptied in place, because who writes it is not told: what is written between the end of the copy
    and that is lost. On a full disk older copies make room for the new one.
    """
    paths = [path for directory in directories for path in sorted(directory.glob("*.log"))]
    return each([path for path in paths if path.stat().st_size > MOST_BYTES], _rotate)


def _rotate(path: Path) -> None:
    kept = [path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1)]
    copy = path.with_name(f"{path.name}.tmp")
    with path.open("rb+") as source:
        while not _copied(source, copy):
            existing = [older for older in kept if older.exists()]
            if not existing:
                log.warning("no room for a copy of %s: it is emptied", path)
                break
            existing[-1].unlink()
        for older, newer in zip(reversed(kept), [*reversed(kept[:-1]), copy], strict=True):
            if newer.exists():
                newer.replace(older)
        source.truncate(0)


def _copied(source: BinaryIO, copy: Path) -> bool:
    """Copy all that stands in a file; say whether there was room. Raises OSError."""
    source.seek(0)
    try:
        with copy.open("wb") as target:
            os.fchmod(target.fileno(), 0o640)
            shutil.copyfileobj(source, target)
    except OSError as error:
        copy.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False
    return True
