"""Check: rsyslog passes on what MAAS logs, and takes what machines log."""

import asyncio
import secrets
import socket
from pathlib import Path

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.network import connect_tcp
from healthcheck.region_files import find_port

DEFAULT_PORT = 5247
TCP_PORT = r'type="imtcp" port="(\d+)"'
# Where rsyslog's main file, which init writes, sends the lines of this program.
RECEIVED = "healthcheck.syslog"
RECEIVED_WITHIN_SECONDS = 4.0
MEND = "supervisorctl status rsyslog"
# rsyslog only ever appends. It is emptied rarely: another one's line may be in it (--direct).
LONGEST_BYTES = 64 * 1024


def _make(target: Target) -> Run:
    log_socket = target.syslog / "rsyslog" / "log.sock"
    configuration = target.syslog / "rsyslog.conf"
    thread = Thread()

    async def run() -> Failure | None:
        port = await thread.run(find_port, TCP_PORT, configuration) or DEFAULT_PORT
        try:
            await connect_tcp(port)
        except OSError:
            return Failure(f"rsyslog does not listen on port {port}", mend=MEND)
        token = secrets.token_hex()
        try:
            await thread.run(_log, log_socket, token)
        except OSError:
            return Failure("rsyslog does not listen on its socket", str(log_socket), MEND)
        if not await _arrives(target.run / RECEIVED, token):
            return Failure("rsyslog does not pass on what it is sent", mend=MEND)
        return None

    return run


def _log(log_socket: Path, text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.sendto(f"<15>healthcheck: {text}".encode(), str(log_socket))


async def _arrives(file: Path, text: str) -> bool:
    for _ in range(20):
        if file.exists() and text in (content := file.read_text(errors="replace")):
            if len(content) > LONGEST_BYTES:
                file.write_text("")
            return True
        await asyncio.sleep(RECEIVED_WITHIN_SECONDS / 20)
    return False


CHECK = Check(
    name="syslog",
    proves="rsyslog passes on what MAAS logs, and takes what machines log",
    means="the logs of MAAS and of its machines are lost meanwhile",
    weight=State.DEGRADED,
    period=30.0,
    timeout=6.0,
    make=_make,
    follows=("programs",),
)
