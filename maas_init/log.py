"""Init's log: one line each, with time and level, in colour on a terminal."""

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
    """Formats `2026-11-23T13:28:34Z INFO init: text`; further lines of a text are indented."""

    converter = staticmethod(time.gmtime)

    def __init__(self, colour: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of one record."""
        text = super().format(record).replace("\n", "\n    ")
        colour = _COLOURS.get(record.levelno) if self._colour else None
        return f"{colour}{text}{_RESET}" if colour else text


def set_up() -> None:
    """Send all records to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    colour = "NO_COLOR" not in os.environ and (sys.stdout.isatty() or "FORCE_COLOR" in os.environ)
    handler.setFormatter(Formatter(colour))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
