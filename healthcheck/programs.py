"""The programs as PID 1 told last: several parts look at them, and PID 1 is asked once."""

import asyncio
import time

from healthcheck.supervisor_client import Program, SupervisorClient, Unreachable

# PID 1 is asked again when its last answer is older than that.
FRESH_SECONDS = 4.5


class Programs:
    """Keeps PID 1's last answer for a moment."""

    def __init__(self, client: SupervisorClient) -> None:
        self.client = client
        self.latest: list[Program] = []
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def fresh(self) -> list[Program]:
        """Return the programs, as they were a few seconds ago at most. Raises Unreachable."""
        async with self._lock:
            if time.monotonic() - self._asked_at > FRESH_SECONDS:
                try:
                    self.latest = await self.client.programs()
                except Unreachable:
                    self.latest = []
                    raise
                self._asked_at = time.monotonic()
            return self.latest

    def ask_again(self) -> None:
        """Have PID 1 asked by the next who wants to know: what has failed may be mended."""
        self._asked_at = float("-inf")

    def find(self, name: str) -> Program | None:
        """Return what PID 1 told last of a program."""
        return next((program for program in self.latest if program.name == name), None)
