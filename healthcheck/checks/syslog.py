"""Check: rsyslog passes on what MAAS logs, and takes what machines log."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from healthcheck.check import Check, Failure, Target
from healthcheck.network import connect_tcp
from healthcheck.region_files import find

DEFAULT_PORT = 5247
TCP_PORT = r'type="imtcp" port="(\d+)"'
# Where rsyslog's main file, which init writes, sends the lines of this program.
RECEIVED = "healthcheck.syslog"
RECEIVED_WITHIN_SECONDS = 4.0
HINT = "(supervisorctl status rsyslog)"


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    log_socket = target.syslog / "rsyslog" / "log.sock"

    async def run() -> Failure | None:
        port = int(find(TCP_PORT, target.syslog / "rsyslog.conf") or DEFAULT_PORT)
        try:
            await connect_tcp(port)
        except OSError:
            return Failure(f"rsyslog does not listen on port {port} {HINT}", degrades=True)
        token = secrets.token_hex()
        try:
            _log(log_socket, token)
        except OSError:
            return Failure(f"rsyslog does not listen on {log_socket} {HINT}", degrades=True)
        if not await _arrives(target.run / RECEIVED, token):
            return Failure(f"rsyslog does not pass on what it is sent {HINT}", degrades=True)
        return None

    return run


def _log(log_socket: Path, text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.sendto(f"<15>healthcheck: {text}".encode(), str(log_socket))


async def _arrives(file: Path, text: str) -> bool:
    for _ in range(20):
        if file.exists() and text in file.read_text():
            file.write_text("")  # rsyslog only ever appends
            return True
        await asyncio.sleep(RECEIVED_WITHIN_SECONDS / 20)
    return False


CHECK = Check(
    name="syslog",
    proves="rsyslog passes on what MAAS logs, and takes what machines log",
    period=30.0,
    timeout=6.0,
    make=_make,
)
