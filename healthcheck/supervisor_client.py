"""Asks PID 1 over supervisor's XML-RPC (http://supervisord.org/api.html)."""

import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import httpx

from healthcheck.network import unix_client

TIMEOUT_SECONDS = 3.0


class Unreachable(Exception):
    """PID 1 gave no usable answer."""


@dataclass(frozen=True)
class Program:
    """A program as PID 1 sees it. `start_time` is a Unix time, 0 if it never started."""

    name: str
    state: str
    description: str
    start_time: int
    exit_status: int

    @property
    def failed(self) -> bool:
        """Whether it should run, or should have ended well, and does not."""
        return self.state in ("FATAL", "BACKOFF", "UNKNOWN") or (
            self.state == "EXITED" and self.exit_status != 0
        )


class SupervisorClient:
    """A client for PID 1's unix socket."""

    def __init__(self, socket: Path) -> None:
        self._client = unix_client(socket, TIMEOUT_SECONDS)

    async def programs(self) -> list[Program]:
        """Return every program. Raises Unreachable."""
        return [
            Program(
                name=entry["name"],
                state=entry["statename"],
                description=entry["description"],
                start_time=entry["start"],
                exit_status=entry["exitstatus"],
            )
            for entry in await self._call("supervisor.getAllProcessInfo")
        ]

    async def lost_lines(self) -> dict[str, float]:
        """Return how many lines of each program the log has lost. Raises Unreachable."""
        lost: dict[str, float] = await self._call("plugin.getLostLines")
        return lost

    async def _call(self, method: str) -> Any:
        body = xmlrpc.client.dumps((), method)
        try:
            response = await self._client.post(
                "/RPC2", content=body, headers={"Content-Type": "text/xml"}
            )
            response.raise_for_status()
            (answer,), _ = xmlrpc.client.loads(response.text)
        except (httpx.HTTPError, xmlrpc.client.Error, ExpatError, ValueError) as error:
            raise Unreachable(str(error) or type(error).__name__) from None
        return answer
