"""Check: regiond listens where it tells its racks to connect to.

A worker's own socket is asked for the addresses, which works with TLS and without nginx. They are
looked up, not connected to: regiond logs the loss of a rack for each connection without one.
"""

import ipaddress
import socket
from pathlib import Path
from typing import Any

import httpx

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.foreign import WRONG_SHAPE
from healthcheck.network import NO_ANSWER, unix_client

PATH = "/MAAS/rpc/"
REQUEST_TIMEOUT_SECONDS = 5.0
LISTENING = "0A"  # https://docs.kernel.org/networking/proc_net_tcp.html
DISCARD_PORT = 9


def _make(target: Target) -> Run:
    worker = unix_client(target.first_worker, REQUEST_TIMEOUT_SECONDS)

    async def run() -> Failure | None:
        try:
            response = await worker.get(PATH)
            response.raise_for_status()
            announced = _own_endpoints(response.json()["eventloops"])
        except httpx.HTTPStatusError as error:
            return Failure(f"regiond answers with {error.response.status_code}")
        except NO_ANSWER as error:
            return Failure("regiond does not answer", str(error) or type(error).__name__)
        except WRONG_SHAPE:
            return Failure(f"regiond's answer to {PATH} cannot be read")
        if not announced:
            return Failure("regiond has not announced any event loop of its own yet")
        listening = _listening_ports()
        silent = [f"{address} port {port}" for address, port in announced if port not in listening]
        if not silent:
            return None
        return Failure(
            f"of {len(announced)} event loops that regiond announces, {len(silent)} do not listen",
            ", ".join(silent),
            degrades=len(silent) < len(announced),
        )

    return run


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
    """Say whether packets to an address come from it. TrueNAS lets anybody bind any address.

    Raises ValueError for what is none: a name would be looked up, and everything wait for that.
    """
    parsed = ipaddress.ip_address(address)
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as nothing_is_sent:
            nothing_is_sent.connect((address, DISCARD_PORT))
            source = nothing_is_sent.getsockname()[0]
    except OSError:
        return False
    return ipaddress.ip_address(source) == parsed


def _listening_ports() -> set[int]:
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            entries = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # a kernel without IPv6
            continue
        for entry in entries:
            _, local, _, state, *_ = entry.split()
            if state == LISTENING:
                ports.add(int(local.rpartition(":")[2], 16))
    return ports


CHECK = Check(
    name="event_loops",
    proves="regiond listens where it tells its racks to connect to",
    means="rack controllers cannot connect: no machine boots or is managed",
    weight=State.UNHEALTHY,
    period=30.0,
    timeout=8.0,
    make=_make,
    follows=("database", "programs", "regiond"),
)
