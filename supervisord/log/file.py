"""Log files that PID 1 writes: opened late, rotated, and never a reason to stop."""

import errno
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

RETRY_SECONDS = 10.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class LogFile:
    """A file that is opened with the first line and replaced before it grows beyond `max_bytes`.

    What cannot be written is left out here, for the container's log has it too. That is said when
    it is so for the second time: a volume without rights is what init reports.
    """

    def __init__(
        self,
        path: Path,
        say: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = 0  # without end
        self.backups = 0
        self._path = path
        self._say = say
        self._clock = clock
        self._fd: int | None = None
        self._size = 0
        self._failures = 0
        self._retry_at = 0.0

    def write(self, block: bytes) -> None:
        """Append whole lines."""
        if self._clock() < self._retry_at:
            return
        try:
            if self._fd is None:
                self._open()
            if self.max_bytes and self._size and self._size + len(block) > self.max_bytes:
                self._rotate()
            assert self._fd is not None
            if os.write(self._fd, block) < len(block):  # no half lines
                os.ftruncate(self._fd, self._size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._size += len(block)
        except OSError as error:
            self.close()
            self._failures += 1
            self._retry_at = self._clock() + RETRY_SECONDS
            if self._failures == 2:
                reason = error.strerror
                self._say("WARN", f"cannot write {self._path}: {reason}. Its lines are only here")
            return
        failures, self._failures = self._failures, 0
        if failures >= 2:
            self._say("INFO", f"{self._path} is written again")

    def truncate(self) -> None:
        """Empty the file, as `supervisorctl clear` asks for. Raises OSError."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            self._size = 0

    def close(self) -> None:
        """Close the file; the next line opens what is there then."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def forget(self) -> None:
        """Do not use the descriptor any more: supervisord has closed it (facts B, SIGHUP)."""
        self._fd = None

    def _open(self) -> None:
        self._fd = os.open(self._path, _FLAGS, 0o640)
        self._size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        names = [self._path] + [
            self._path.with_name(f"{self._path.name}.{number}")
            for number in range(1, self.backups + 1)
        ]
        self.close()
        for newer, older in reversed(list(itertools.pairwise(names))):
            if newer.exists():
                newer.replace(older)
        if not self.backups:
            self._path.unlink()
        self._open()
