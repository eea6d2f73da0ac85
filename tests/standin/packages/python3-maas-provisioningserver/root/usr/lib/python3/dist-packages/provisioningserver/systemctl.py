"""The other way to services: `sudo systemctl`, when PEBBLE is unset (maas-region-run.md 1.2)."""

from __future__ import annotations

import re
import subprocess

from provisioningserver.pebble import ServiceError, Unreachable

UNITS = {
    "bind9": "bind9",
    "ntp": "chrony",
    "syslog": "maas-syslog",
    "proxy": "maas-proxy",
    "http": "maas-http",
    "temporal": "maas-temporal",
    "temporal-worker": "maas-temporal-worker",
}


class Systemctl:
    """The same three calls as `Pebble`, with the same names."""

    def state(self, name: str) -> str:
        output = self._run("status", name, check=False)
        found = re.search(r"^\s*Active:\s+(\S+)", output, re.MULTILINE)
        if found is None:
            raise ServiceError(f"Unable to parse the output from systemctl for '{UNITS[name]}'")
        return "active" if found.group(1) == "active" else "inactive"

    def act(self, action: str, name: str) -> None:
        self._run(action, name)

    def hang_up(self, name: str) -> None:
        self._run("reload", name)

    def _run(self, action: str, name: str, check: bool = True) -> str:
        command = ["sudo", "--non-interactive", "systemctl", action, UNITS[name]]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as failure:
            raise Unreachable(f"{action} {name}: {failure}") from failure
        if check and done.returncode:
            raise ServiceError(f"{action} {name}: rc {done.returncode} {done.stderr.strip()}")
        return done.stdout
