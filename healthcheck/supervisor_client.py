"""Asks PID 1 over supervisor's XML-RPC (http://supervisord.org/api.html), and the Pebble API."""

import asyncio
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from healthcheck.foreign import WRONG_SHAPE
from healthcheck.network import NO_ANSWER, unix_client

TIMEOUT_SECONDS = 3.0
# One request for all that PID 1 publishes of its programs.
_METHODS = (
    "supervisor.getAllProcessInfo",
    "plugin.getWanted",
    "plugin.getRestarts",
    "plugin.getExits",
    "plugin.getLostLines",
)


class Unreachable(Exception):
    """PID 1 gave no usable answer."""


@dataclass(frozen=True)
class Program:
    """A program as PID 1 sees it.

    `wanted` is whether it should run now; `start_time` a Unix time, 0 if it never started; `pid` 0
    if it does not run. `restarts` counts starts after failures, `exits` ends by their kind,
    `lost_lines` what the container's log has lost of it, all since PID 1's start.
    """

    name: str
    state: str
    description: str
    start_time: int
    exit_status: int
    pid: int = 0
    wanted: bool = True
    restarts: int = 0
    exits: dict[str, int] = field(default_factory=dict)
    lost_lines: float = 0


class SupervisorClient:
    """A client for PID 1's unix socket."""

    def __init__(self, socket: Path) -> None:
        self._client = unix_client(socket, TIMEOUT_SECONDS)

    async def programs(self) -> list[Program]:
        """Return every program. Raises Unreachable."""
        answers = await self._call_all(_METHODS)
        try:
            for answer in answers:
                if "faultString" in answer:  # such as SHUTDOWN_STATE, while PID 1 stops everything
                    raise Unreachable(answer["faultString"])
            return _read(*answers)
        except WRONG_SHAPE as error:
            raise Unreachable(f"its answer cannot be read: {error!r}") from None

    async def restart(self, service: str) -> None:
        """Have a service restarted, by its name in the Pebble API: stopped, it is started again.

        Raises Unreachable.
        """
        request = {"action": "restart", "services": [service]}
        try:
            (await self._client.post("/v1/services", json=request)).raise_for_status()
        except NO_ANSWER as error:
            raise Unreachable(str(error) or type(error).__name__) from None

    async def _call_all(self, methods: tuple[str, ...]) -> Any:
        calls = [{"methodName": method, "params": []} for method in methods]
        body = xmlrpc.client.dumps((calls,), "system.multicall")
        try:
            response = await self._client.post(
                "/RPC2", content=body, headers={"Content-Type": "text/xml"}
            )
            response.raise_for_status()
            # in a thread: with hundreds of programs it takes longer than who asks us should wait
            (answer,), _ = await asyncio.to_thread(xmlrpc.client.loads, response.content)
        except (*NO_ANSWER, xmlrpc.client.Error, ExpatError, *WRONG_SHAPE) as error:
            raise Unreachable(str(error) or type(error).__name__) from None
        return answer


def _read(
    processes: list[dict[str, Any]],
    wanted: dict[str, bool],
    restarts: dict[str, int],
    exits: dict[str, dict[str, int]],
    lost_lines: dict[str, float],
) -> list[Program]:
    return [
        Program(
            name=(name := str(process["name"])),
            state=str(process["statename"]),
            description=str(process["description"]),
            start_time=_whole(process["start"]),
            exit_status=_whole(process["exitstatus"]),
            pid=_whole(process["pid"]),
            wanted=bool(wanted.get(name, True)),
            restarts=_whole(restarts.get(name, 0)),
            exits={str(kind): _whole(count) for kind, count in exits.get(name, {}).items()},
            lost_lines=float(lost_lines.get(name, 0)),
        )
        for process in processes
    ]


def _whole(value: Any) -> int:
    return int(float(value))  # a metric carries no other
