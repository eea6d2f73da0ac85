"""What Debian's package manager says of the MAAS in this image."""

import re
from pathlib import Path

DPKG_STATUS = Path("/var/lib/dpkg/status")
PACKAGE = "maas-region-api"


def series(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version, behind its epoch. Raises ValueError."""
    found = re.match(r"(?:\d+:)?(\d+)\.(\d+)", version)
    if not found:
        raise ValueError(f"{version} is no version")
    return int(found[1]), int(found[2])


def version(status: Path = DPKG_STATUS) -> str:
    """Return the version of MAAS's package; a stand-in's ends in "+standin".

    Read from the file as MAAS itself does: a call of dpkg-query takes longer.
    """
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "not installed"
    for entry in text.split("\n\n"):
        if re.search(rf"^Package: {PACKAGE}$", entry, re.M):
            found = re.search(r"^Version: (.+)$", entry, re.M)
            return found[1] if found else "unknown"
    return "not installed"
