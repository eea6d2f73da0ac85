"""Check: Temporal's front end speaks HTTP/2 to a client with MAAS's own certificate.

It takes no other client (facts/maas-versions.md 7), and its name there is "maas".
"""

import asyncio
import ssl

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.network import LOCALHOST, cluster_context

PORT = 5271
SERVER_NAME = "maas"
# RFC 9113 3.4 and 6.5: what a client begins with, ending in a frame of settings without any; a
# server answers with its own. 9 bytes are a frame's head, whose fourth is its type.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HEAD_BYTES = 9
SETTINGS = 4


def _make(target: Target) -> Run:
    thread = Thread()

    async def run() -> Failure | None:
        try:
            context = await thread.run(cluster_context, target.data / "certificates")
        except (OSError, ssl.SSLError) as error:
            return Failure("regiond's certificates cannot be used", str(error))
        context.set_alpn_protocols(["h2"])
        try:
            frame_type = await _first_frame_type(context)
        except ssl.SSLError as error:
            return Failure("Temporal and its client do not agree on TLS", str(error))
        except (OSError, EOFError) as error:
            return Failure(
                f"Temporal does not answer on port {PORT}",
                str(error),
                "supervisorctl status temporal",
            )
        if frame_type != SETTINGS:
            return Failure(f"port {PORT} does not speak HTTP/2")
        return None

    return run


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
    means="image import, power and deployment wait",
    weight=State.DEGRADED,
    period=30.0,
    timeout=5.0,
    make=_make,
    follows=("database", "programs"),
)
