"""Check: the API that racks of MAAS 3.6 and newer use takes a client of MAAS's cluster.

nginx passes its port on as it is, and apiserver speaks TLS there. A handshake alone shows that it
lives, and that 3.7's has not lost this half of itself (facts/maas-37-region-run.md 5); a request
would be two lines in its log.
"""

import asyncio
import ssl

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.network import LOCALHOST, cluster_context

PORT = 5242
# regiond writes it where there is such an API.
CONFIGURATION = "regiond.nginx.stream.conf"


def _make(target: Target) -> Run:
    thread = Thread()

    async def run() -> Failure | None:
        if not await thread.run((target.http / CONFIGURATION).exists):
            return None
        try:
            context = await thread.run(cluster_context, target.data / "certificates")
            context.check_hostname = False
            _, writer = await asyncio.open_connection(
                LOCALHOST, PORT, ssl=context, server_hostname=LOCALHOST
            )
        except (OSError, ssl.SSLError) as error:
            return Failure(
                f"apiserver does not answer on port {PORT}",
                str(error) or type(error).__name__,
                "supervisorctl restart apiserver",
            )
        writer.transport.abort()
        return None

    return run


CHECK = Check(
    name="internal_api",
    proves="from MAAS 3.6 on: apiserver takes a client with the cluster's certificate",
    means="rack controllers and their agents get no work from the region",
    weight=State.DEGRADED,
    period=30.0,
    timeout=5.0,
    make=_make,
    follows=("database", "programs", "regiond"),
)
