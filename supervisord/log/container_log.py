"""Where all lines come together: PID 1's own and those of its programs."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from supervisord.log import format
from supervisord.log.file import LogFile
from supervisord.log.output import Output

OWN_NAME = "supervisord"


class ContainerLog:
    """Formats lines, and hands them to standard output and to files."""

    def __init__(self, fd: int, json: bool) -> None:
        self._file_format: format.Format = format.as_json if json else format.text
        self.coloured = not json and os.isatty(fd)
        self._output_format = format.coloured_text if self.coloured else self._file_format
        self.output = Output(fd, self._loss)
        self._files: dict[Path, LogFile] = {}
        self._own_file: LogFile | None = None

    def write(
        self, program: str, source: str, lines: Sequence[bytes], file: LogFile | None = None
    ) -> None:
        """Write lines of a program's stream, or of PID 1 with a level in its place."""
        now = time.time()
        block = self._output_format(program, source, lines, now)
        self.output.put(program, block, len(lines))
        if file:
            if self._output_format is not self._file_format:
                block = self._file_format(program, source, lines, now)
            file.write(block)

    def say(self, level: str, message: str) -> None:
        """Write a message of PID 1's own."""
        self.write(OWN_NAME, level, message.encode().splitlines(), self._own_file)

    def info(self, message: str) -> None:
        """Say what happens."""
        self.say("INFO", message)

    def warn(self, message: str) -> None:
        """Say what somebody should know."""
        self.say("WARN", message)

    def file(self, path: Path, max_bytes: int, backups: int) -> LogFile:
        """Return the log file of that path, the same for whoever asks."""
        file = self._files.setdefault(path, LogFile(path, self.say))
        file.max_bytes, file.backups = max_bytes, backups  # they may have changed at an update
        return file

    def use_file(self, path: Path, max_bytes: int, backups: int) -> None:
        """Write PID 1's own messages to a file, too."""
        self._own_file = self.file(path, max_bytes, backups)

    def reopen(self) -> None:
        """Open the file of PID 1's own messages anew: it was moved or removed."""
        if self._own_file:
            self._own_file.close()

    def forget_files(self) -> None:
        """Open all files anew: their descriptors are not ours any more."""
        for file in self._files.values():
            file.forget()

    def finish(self) -> None:
        """Write the rest, at the end of PID 1."""
        lost = self.output.finish()
        if lost:
            self._loss(lost)

    def _loss(self, lost: Counter[str]) -> bytes:
        """Describe lost lines for the output, and in PID 1's own file."""
        each = ", ".join(f"{program} {count}" for program, count in lost.most_common())
        message = (
            f"{lost.total()} lines are missing in the container's log ({each}): its reader was too"
            " slow, or gone"
        )
        now = time.time()
        if self._own_file:
            self._own_file.write(self._file_format(OWN_NAME, "WARN", [message.encode()], now))
        return self._output_format(OWN_NAME, "WARN", [message.encode()], now)
