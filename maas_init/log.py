"""Init's log: one line each, with level and, where PID 1 does not add it, the time."""

import io
import logging
import os
import sys
import time

_COLOURS = {
    logging.WARNING: "\033[33m",
    logging.ERROR: "\033[1;31m",
    logging.CRITICAL: "\033[1;31m",
}
_RESET = "\033[0m"


class Formatter(logging.Formatter):
    """Formats `2026-11-23T13:28:34Z INFO init: text`; further lines of a text are indented.

    As a program of PID 1's it is `INFO text`: the rest is there already.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self, colour: bool, supervised: bool) -> None:
        before = "" if supervised else "%(asctime)s "
        name = "" if supervised else "%(name)s: "
        super().__init__(f"{before}%(levelname)s {name}%(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of one record."""
        text = super().format(record).replace("\n", "\n    ")
        colour = _COLOURS.get(record.levelno) if self._colour else None
        return f"{colour}{text}{_RESET}" if colour else text


def set_up() -> None:
    """Send all records to standard output."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path or name may hold any byte
        sys.stdout.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stdout)
    colour = "NO_COLOR" not in os.environ and (sys.stdout.isatty() or "FORCE_COLOR" in os.environ)
    handler.setFormatter(Formatter(colour, supervised="SUPERVISOR_ENABLED" in os.environ))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # each request is not worth a line
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def interrupted() -> None:
    """Say that somebody ended the command."""
    logging.getLogger("init").warning("interrupted: the same command does what is left")
