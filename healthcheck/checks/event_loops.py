"""Check: the event loops that this region announces to its racks accept connections.

A worker's own socket is asked for them, which works with TLS and without nginx.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from healthcheck.check import Check, Failure, Target
from healthcheck.network import connect_tcp, unix_client

PATH = "/MAAS/rpc/"
REQUEST_TIMEOUT_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 3.0


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    worker = unix_client(target.worker_socket, REQUEST_TIMEOUT_SECONDS)

    async def run() -> Failure | None:
        try:
            response = await worker.get(PATH)
            response.raise_for_status()
            endpoints = _own_endpoints(response.json()["eventloops"])
        except httpx.HTTPStatusError as error:
            return Failure(f"regiond answers with {error.response.status_code}")
        except httpx.HTTPError as error:
            return Failure(f"regiond does not answer: {error or type(error).__name__}")
        except (ValueError, KeyError, TypeError, AttributeError):
            return Failure(f"regiond's answer to {PATH} cannot be read")
        if not endpoints:
            return Failure("regiond has not announced any event loop of its own yet")
        answers = await asyncio.gather(*(_accepts(*endpoint) for endpoint in endpoints))
        silent = [
            endpoint for endpoint, accepts in zip(endpoints, answers, strict=True) if not accepts
        ]
        if not silent:
            return None
        names = ", ".join(f"{address} port {port}" for address, port in silent)
        return Failure(
            f"of {len(endpoints)} event loops that regiond announces, these do not answer: {names}",
            degrades=len(silent) < len(endpoints),
        )

    return run


async def _accepts(address: str, port: int) -> bool:
    try:
        await asyncio.wait_for(connect_tcp(address, port), CONNECT_TIMEOUT_SECONDS)
    except (OSError, asyncio.TimeoutError):  # not the same before Python 3.11
        return False
    return True


def _own_endpoints(event_loops: dict[str, list[list[Any]]]) -> list[tuple[str, int]]:
    """Return address and port of this region's: other regions may have the same database.

    A region announces its own addresses (facts/maas-versions.md 0.8), those of an earlier life
    of the container for up to 90 s, too.
    """
    return [
        (str(address), int(port))
        for addresses in event_loops.values()
        for address, port in addresses
        if _is_own(str(address))
    ]


def _is_own(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as anything:
            anything.bind((address, 0))
    except OSError:
        return False
    return True


CHECK = Check(
    name="event_loops",
    proves="racks can connect to the event loops that regiond announces",
    period=30.0,
    timeout=10.0,
    make=_make,
)
