"""The running version, which MAAS learns from dpkg (maas-region-run.md 7.1)."""

from __future__ import annotations

from pathlib import Path

from provisioningserver import release

DPKG_STATUS = Path("/var/lib/dpkg/status")
PACKAGE = "maas-region-api"

STANDS_FOR = release.RELEASE
"""What this code behaves like, wherever dpkg cannot say."""


def installed_version() -> str:
    """Such as `3.5.13+standin`. Without a dpkg entry this fails with the message of MAAS itself."""
    for entry in DPKG_STATUS.read_text(errors="replace").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
        if fields.get("Package") == PACKAGE and fields.get("Status", "").endswith(" installed"):
            return fields["Version"]
    raise AttributeError("'NoneType' object has no attribute 'install_type'")


def split_version() -> tuple[str, str]:
    """Version and subversion as /MAAS/api/2.0/version/ shows them (maas-region-run.md 5)."""
    version, _, subversion = installed_version().partition("+")
    return version.rpartition(":")[2], subversion
