"""Check: Temporal's front end speaks HTTP/2 to a client with MAAS's own certificate.

It takes no other client (facts/maas-versions.md 7), and its name there is "maas".
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from healthcheck.check import Check, Failure, Target
from healthcheck.network import LOCALHOST

PORT = 5271
SERVER_NAME = "maas"
# RFC 9113 3.4 and 6.5: what a client begins with, ending in a frame of settings without any; a
# server answers with its own. 9 bytes are a frame's head, whose fourth is its type.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HEAD_BYTES = 9
SETTINGS = 4


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    async def run() -> Failure | None:
        try:
            context = _context(target.data / "certificates")
        except (OSError, ssl.SSLError) as error:
            return Failure(f"regiond's certificates cannot be used: {error}", degrades=True)
        try:
            frame_type = await _first_frame_type(context)
        except ssl.SSLError as error:
            return Failure(f"Temporal and its client do not agree on TLS: {error}", degrades=True)
        except (OSError, EOFError) as error:
            return Failure(
                f"Temporal does not answer on port {PORT}: {error}"
                " (supervisorctl status temporal); images, power and deployment wait for it",
                degrades=True,
            )
        if frame_type != SETTINGS:
            return Failure(f"port {PORT} does not speak HTTP/2", degrades=True)
        return None

    return run


def _context(certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "cacerts.pem"))
    context.load_cert_chain(certificates / "cluster.pem", certificates / "cluster.key")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13's default, but not MAAS's
    context.set_alpn_protocols(["h2"])
    return context


async def _first_frame_type(context: ssl.SSLContext) -> int:
    reader, writer = await asyncio.open_connection(
        LOCALHOST, PORT, ssl=context, server_hostname=SERVER_NAME
    )
    try:
        writer.write(PREFACE)
        return (await reader.readexactly(HEAD_BYTES))[3]
    finally:
        writer.transport.abort()


CHECK = Check(
    name="temporal",
    proves="Temporal's front end takes MAAS's certificate and answers",
    period=30.0,
    timeout=5.0,
    make=_make,
)
