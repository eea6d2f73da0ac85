"""Looking at the region's own hardware: MAAS's refresh scripts, by sudo (maas-region-run.md 1.3).

The first of them fetches a program through nginx and runs it where it was put, so the data
directory must not be noexec.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from provisioningserver import paths, release

SCRIPTS = (
    "20-maas-03-machine-resources",
    "50-maas-01-commissioning",
    "maas-list-modaliases",
    "maas-lshw",
    "maas-serial-ports",
    "maas-support-info",
)
HERE = Path(__file__).resolve().parent
URL = "http://127.0.0.1:5240"
"""Not maas_url (maas-region-run.md 7.5)."""

DESCRIPTION = "50-maas-01-commissioning"
"""Says in JSON what this machine has: without it no interface is recorded."""

LIMIT = 60.0
LITTER = 3
"""Empty files left behind in /tmp (maas-region-run.md 2)."""


class Failed(Exception):
    """A script that did not end well."""


def run() -> None:
    """All scripts, one after the other, in a directory that is gone afterwards."""
    for _ in range(LITTER):
        os.close(tempfile.mkstemp()[0])
    with tempfile.TemporaryDirectory(prefix="maas-commission-", dir=paths.data()) as directory:
        os.chmod(directory, 0o755)
        environment = {**os.environ, "REFRESH_URL": URL, "REFRESH_DIRECTORY": directory}
        for script in SCRIPTS:
            _run(script, environment)


def describe() -> None:
    """Raise JSONDecodeError where sudo does not know the flags (maas-37-region-run.md 4)."""
    json.loads(_sudo(DESCRIPTION, dict(os.environ)).stdout)


def _sudo(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["sudo", *release.SUDO_FLAGS, str(HERE / script)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def _run(script: str, environment: dict[str, str]) -> None:
    try:
        done = _sudo(script, environment)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Failed(f"{script}: {failure}") from failure
    if done.returncode:
        raise Failed(f"{script}: rc {done.returncode}: {' '.join(done.stderr.split())}")
