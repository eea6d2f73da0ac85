"""What regiond starts about its own interfaces: refresh scripts and beacon monitors (1.3)."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterable
from functools import partial

from provisioningserver import log, refresh

from maasserver.region import database

BEACON_MONITOR = "/usr/lib/maas/beacon-monitor"
BEACON_RETRY = 60.0
REFRESH_RETRY = 30.0


class Refresher:
    """Once a start and after a change; until it has worked, every 30 s (7.5)."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        self._asked.set()

    def run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            try:
                refresh.run()
            except (refresh.Failed, OSError) as failure:
                log.warn("maas.refresh", f"Couldn't report what this machine is: {failure}")
                self._asked.set()
                time.sleep(REFRESH_RETRY)


class Beacons:
    """One monitor for each interface; most containers may not have any (7.6)."""

    def __init__(self) -> None:
        self._watched: set[str] = set()

    def watch(self, interfaces: Iterable[str]) -> None:
        for interface in set(interfaces) - self._watched:
            self._watched.add(interface)
            database.in_thread(f"beacons-{interface}", partial(self._keep, interface))

    def _keep(self, interface: str) -> None:
        """Said once for each interface; tried for ever."""
        said = False
        while True:
            failure = self._monitor(interface)
            if not said:
                log.error("maas.beaconing", f"Beaconing process for {interface} failed: {failure}")
                said = True
            time.sleep(BEACON_RETRY)

    def _monitor(self, interface: str) -> str:
        """Runs as long as the monitor does; then why it ended."""
        command = ["sudo", "-n", BEACON_MONITOR, interface]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as failure:
            return str(failure)
        return f"rc {done.returncode}: {done.stderr.strip()}"
