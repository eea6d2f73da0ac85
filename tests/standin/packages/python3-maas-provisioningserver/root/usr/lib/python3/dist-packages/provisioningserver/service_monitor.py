"""The service monitor: keeps services in the state they should be in (maas-region-run.md 1.1)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from provisioningserver import log
from provisioningserver.pebble import Pebble, ServiceError
from provisioningserver.systemctl import Systemctl

SERVICES = ("bind9", "ntp", "syslog", "proxy", "http", "temporal", "temporal-worker")
ORIGIN = "maasserver.service_monitor"


class Backend(Protocol):
    """Who runs the services."""

    def state(self, name: str) -> str: ...
    def act(self, action: str, name: str) -> None: ...
    def hang_up(self, name: str) -> None: ...


class ServiceMonitor:
    """Starts, restarts, reloads and checks; every failure is logged and raised."""

    def __init__(self, backend: Backend | None = None) -> None:
        self.backend = backend or Pebble.from_environment() or Systemctl()
        self.states: dict[str, str] = {}
        self._locks = {name: threading.Lock() for name in SERVICES}

    def ensure(self, name: str, wanted: bool = True) -> None:
        """Start (or stop) the service unless it is so already."""
        with self._locks[name]:
            running = self._look(name) == "active"
            if running != wanted:
                self._act("start" if wanted else "stop", name)

    def ensure_all(self, wanted: dict[str, bool]) -> None:
        """All services at once: seven requests within 100 ms."""

        def one(name: str) -> None:
            try:
                self.ensure(name, wanted.get(name, True))
            except ServiceError:
                self.states.setdefault(name, "unknown")

        with ThreadPoolExecutor(max_workers=len(SERVICES)) as pool:
            list(pool.map(one, SERVICES))

    def reload(self, name: str) -> None:
        """SIGHUP, after a start where the service is not running (maas-versions.md 1.7)."""
        self.ensure(name)
        try:
            self.backend.hang_up(name)
        except ServiceError as failure:
            log.error(ORIGIN, f"Service '{name}' failed to reload: {failure}")
            raise

    def restart(self, name: str) -> None:
        """Not serialised with the other requests for this service: nor is it in MAAS."""
        self._act("restart", name)

    def kill(self, name: str) -> None:
        """Arrives at Pebble as a plain stop; then the service is started anew."""
        with self._locks[name]:
            self._act("stop", name)
        self.ensure(name)

    def is_active(self, name: str) -> bool:
        """Ask without a word in the log: somebody waits for this service."""
        try:
            return self.backend.state(name) == "active"
        except ServiceError:
            return False

    def _look(self, name: str) -> str:
        try:
            self.states[name] = self.backend.state(name)
        except ServiceError as failure:
            self.states[name] = "unknown"
            log.error(
                ORIGIN,
                f"While monitoring service '{name}' an error was encountered: {failure}",
                trace=True,
            )
            raise
        return self.states[name]

    def _act(self, action: str, name: str) -> None:
        try:
            self.backend.act(action, name)
        except ServiceError as failure:
            log.error(ORIGIN, f"Service '{name}' failed to {action}: {failure}", trace=True)
            raise
        running = self._look(name) == "active"
        if running != (action != "stop"):
            log.error(ORIGIN, f"Service '{name}' failed to {action}: it is {self.states[name]}")
            raise ServiceError(f"{name} is {self.states[name]} after {action}")
        log.info(ORIGIN, f"Service '{name}': {action} done. Its state is '{self.states[name]}'.")
