"""Signals to programs, each as soon as it can take it.

A young squid that gets a SIGHUP before it has a handler dies of it (facts/maas-region-run.md 1.1).
"""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisord.log.container_log import ContainerLog

# Those that a program may handle, and that would end it otherwise. What is meant to end it is sent
# at once.
HELD = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
YOUNG_SECONDS = 3.0
# One that has no handler after that time will have none.
GROWN_SECONDS = 30.0


class Signals:
    """Holds signals back while a program is too young for them."""

    def __init__(self, log: ContainerLog, clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._clock = clock
        # by pid and signal: the process, and what sends it
        self._held: dict[tuple[int, int], tuple[Any, Callable[[int], str | None]]] = {}

    def send(self, process: Any, number: int, send: Callable[[int], str | None]) -> str | None:
        """Send a signal by that function, now or later; return what is wrong, if anything."""
        if number not in HELD or not process.pid or self._can_take(process, number):
            return send(number)
        self._held[process.pid, number] = process, send
        return None

    def release(self) -> None:
        """Send what can be taken now. What comes up anew reads its files anyway."""
        for (pid, number), (process, send) in list(self._held.items()):
            if process.pid != pid:
                del self._held[pid, number]
            elif self._can_take(process, number):
                del self._held[pid, number]
                problem = send(number)
                if problem:
                    self._log.warn(f"cannot signal {process.config.name}: {problem}")

    def _can_take(self, process: Any, number: int) -> bool:
        age = self._clock() - process.laststart
        if not 0 <= age < GROWN_SECONDS:  # the clock may have been set back
            return True
        return age >= YOUNG_SECONDS and _handles(process.pid, number)


def _handles(pid: int, number: int) -> bool:
    """Say whether a process has a handler for a signal (proc(5), SigCgt)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it has ended: there is nothing to wait for
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is None or bool(int(caught[1], 16) >> (number - 1) & 1)
