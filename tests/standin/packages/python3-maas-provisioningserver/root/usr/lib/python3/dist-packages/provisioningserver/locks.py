"""File locks that are symbolic links to the owner's PID (maas-region-run.md 6, "Stale locks").

A link to a dead PID is taken over. A link to any living process counts as held, also when that
process merely got the same small number in a restarted container: that is MAAS's trap.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from provisioningserver import paths


class NotAvailable(Exception):
    """The lock is held by somebody else."""


class FileLock:
    """The lock `maas<sigil><name>` in `$MAAS_ROOT/run/lock`."""

    def __init__(self, name: str) -> None:
        self.path = paths.lock_dir() / f"maas{name}"

    @classmethod
    def for_file(cls, path: Path) -> FileLock:
        return cls("@" + str(path).strip("/").replace("/", ":"))

    @classmethod
    def named(cls, name: str) -> FileLock:
        return cls(":" + name)

    def acquire(self, wait: float = 0.0) -> None:
        """Take the lock, or raise NotAvailable after `wait` seconds."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait
        while not self._try():
            if time.monotonic() >= deadline:
                raise NotAvailable(str(self.path))
            time.sleep(0.1)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)

    def _try(self) -> bool:
        try:
            os.symlink(str(os.getpid()), self.path)
        except FileExistsError:
            if self._owner_lives():
                return False
            self.path.unlink(missing_ok=True)
            return self._try()
        return True

    def _owner_lives(self) -> bool:
        try:
            os.kill(int(os.readlink(self.path)), 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False
        except PermissionError:
            return True
        return True
