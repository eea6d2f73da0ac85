"""How lines of the log look: text for people, JSON for programs."""

import json
import time
from collections.abc import Callable, Sequence

# (program, stream or level, lines without their ends, Unix time) -> bytes to write
Format = Callable[[str, str, Sequence[bytes], float], bytes]

LEVELS = ("INFO", "WARN", "ERROR")
PROGRAM_WIDTH = len("temporal-worker")
_STREAM_WIDTH = len("stdout")
_RESET = b"\033[0m"
_DIM, _YELLOW, _RED = b"\033[2m", b"\033[33m", b"\033[31m"
_COLOURS = {"WARN": _YELLOW, "ERROR": _RED}


def text(program: str, source: str, lines: Sequence[bytes], now: float) -> bytes:
    """Format `2026-11-23T13:28:34.123Z nginx           stderr | line`."""
    return _prefixed(_prefix(program, source, now), lines)


def coloured_text(program: str, source: str, lines: Sequence[bytes], now: float) -> bytes:
    """Format as text, for a terminal."""
    prefix = _COLOURS.get(source, _DIM) + _prefix(program, source, now)
    return _prefixed(prefix + _RESET, lines)


def as_json(program: str, source: str, lines: Sequence[bytes], now: float) -> bytes:
    """Format each line as an object: time, program, stream or level, message."""
    kind = "level" if source in LEVELS else "stream"
    head = {"time": _timestamp(now), "program": program, kind: source}
    before = json.dumps(head)[:-1] + ', "message": '
    return "".join(
        f"{before}{json.dumps(line.decode(errors='replace'))}}}\n" for line in lines
    ).encode()


def _prefix(program: str, source: str, now: float) -> bytes:
    who = f"{program:<{PROGRAM_WIDTH}} {source:<{_STREAM_WIDTH}}"
    return f"{_timestamp(now)} {who} | ".encode()


def _prefixed(prefix: bytes, lines: Sequence[bytes]) -> bytes:
    block = prefix + (b"\n" + prefix).join(lines) + b"\n"
    try:
        block.decode()
    except UnicodeDecodeError:
        return block.decode(errors="replace").encode()
    return block


def _timestamp(now: float) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{seconds}.{int(now * 1000) % 1000:03d}Z"
