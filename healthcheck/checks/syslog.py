"""Check: rsyslog takes what MAAS and its machines log."""

import socket
from collections.abc import Awaitable, Callable

from healthcheck.check import Check, Failure, Target
from healthcheck.network import LOCALHOST, connect_tcp
from healthcheck.region_files import find

DEFAULT_PORT = 5247
TCP_PORT = r'type="imtcp" port="(\d+)"'
HINT = "(supervisorctl status rsyslog)"


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    log_socket = target.syslog / "rsyslog" / "log.sock"

    async def run() -> Failure | None:
        port = int(find(TCP_PORT, target.syslog / "rsyslog.conf") or DEFAULT_PORT)
        try:
            await connect_tcp(LOCALHOST, port)
        except OSError:
            return Failure(f"rsyslog does not listen on port {port} {HINT}", degrades=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            try:
                client.connect(str(log_socket))
            except OSError:
                return Failure(f"rsyslog does not listen on {log_socket} {HINT}", degrades=True)
        return None

    return run


CHECK = Check(
    name="syslog",
    proves="rsyslog takes what MAAS and its machines log",
    period=30.0,
    timeout=5.0,
    make=_make,
)
