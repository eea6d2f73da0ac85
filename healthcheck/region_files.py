"""What regiond says in the files that it writes for its services."""

import re
from pathlib import Path


def find(pattern: str, file: Path) -> str | None:
    """Return the first group of a pattern's first match, None where there is none, or no file."""
    try:
        found = re.search(pattern, file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None


def find_port(pattern: str, file: Path) -> int | None:
    """Return the port that a pattern finds, None where there is none that could be one."""
    text = find(pattern, file) or ""
    port = int(text) if 0 < len(text) <= len("65535") else 0
    return port if 0 < port < 2**16 else None
