"""One stream of one program, read in supervisord's loop."""

import array
import fcntl
import os
import termios
from typing import Any

from supervisord.guard import guarded
from supervisord.log.container_log import ContainerLog
from supervisord.log.file import LogFile
from supervisord.log.lines import LineSplitter

# In one turn of the loop: of the shortest lines, that is 16,000.
READ_BYTES = 16 * 1024


class Stream:
    """Stands in the place of supervisor's POutputDispatcher, and knows lines."""

    def __init__(
        self, process: Any, channel: str, fd: int, log: ContainerLog, file: LogFile | None
    ) -> None:
        self.closed = False
        self.last_line = b""
        self.channel = channel
        self._process = process
        self._fd = fd
        self._log = log
        self._file = file
        self._splitter = LineSplitter()
        self._guarded_read = guarded(self._read, log)

    def readable(self) -> bool:
        """Say whether more may come."""
        return not self.closed

    def writable(self) -> bool:
        """Never has anything to write."""
        return False

    def handle_read_event(self) -> None:
        """Take what is there. A stream that is not read any more would block its program."""
        self._guarded_read()

    def finish(self) -> None:
        """Take the last that the program has written, not what its offspring goes on writing."""
        waiting = array.array("i", [0])
        if not self.closed:
            fcntl.ioctl(self._fd, termios.FIONREAD, waiting)
        for _ in range(0, waiting[0], READ_BYTES):
            self._read()
        self.close()

    def close(self) -> None:
        """Read no more."""
        if not self.closed:
            self.closed = True
            self._pass_on(self._splitter.rest())

    def handle_error(self) -> None:
        """Never called: no exception leaves this object."""

    def removelogs(self) -> None:
        """Empty the log file (`supervisorctl clear`)."""
        if self._file:
            self._file.truncate()

    def reopenlogs(self) -> None:
        """Open the log file anew (SIGUSR2)."""
        if self._file:
            self._file.close()

    def _read(self) -> None:
        if self.closed:  # its descriptor may be another's by now
            return
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._pass_on(self._splitter.feed(data))
        else:
            self.close()

    def _pass_on(self, lines: list[bytes]) -> None:
        if lines:
            self.last_line = lines[-1]
            self._log.write(self._process.config.name, self.channel, lines, self._file)
