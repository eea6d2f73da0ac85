"""What Debian's package manager says of the MAAS in this image."""

import re
from pathlib import Path

DPKG_STATUS = Path("/var/lib/dpkg/status")
PACKAGE = "maas-region-api"


def version(status: Path = DPKG_STATUS) -> str:
    """Return the version of MAAS's package; a stand-in's ends in "+standin".

    Read from the file as MAAS itself does: a call of dpkg-query takes longer.
    """
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "not installed"
    entry = re.search(rf"^Package: {PACKAGE}\n(?:.+\n)*", text, re.M)
    found = re.search(r"^Version: (.+)$", entry[0], re.M) if entry else None
    return found[1] if found else "not installed"
