"""Check: MAAS's API answers.

Until it has answered once, a worker's own socket is asked: nginx writes an upstream off for 10 s
when it is asked before the workers listen (facts/maas-region-run.md 5, "Probe trap").
"""

from collections.abc import Awaitable, Callable

import httpx

from healthcheck.check import Check, Failure, Target
from healthcheck.network import LOCALHOST, unix_client

PATH = "/MAAS/api/2.0/version/"
# Where MAAS's own TLS is on, all but what machines need is redirected there; compose.yaml publishes
# no other (facts/maas-operate.md 3).
TLS_PORT = 5443
REQUEST_TIMEOUT_SECONDS = 8.0  # a worker's first answer takes half a second


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    worker = unix_client(target.worker_socket, REQUEST_TIMEOUT_SECONDS)
    web = httpx.AsyncClient(
        base_url=f"http://{LOCALHOST}:5240", timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False
    )
    tls = httpx.AsyncClient(
        base_url=f"https://{LOCALHOST}:{TLS_PORT}",
        timeout=REQUEST_TIMEOUT_SECONDS,
        trust_env=False,
        verify=False,  # its name is the region's, and its issuer may be anybody
    )
    answered = False

    async def ask(client: httpx.AsyncClient, who: str) -> Failure | None:
        try:
            response = await client.get(PATH)
        except httpx.HTTPError as error:
            return Failure(f"{who} does not answer: {error or type(error).__name__}")
        if response.is_redirect and client is web:  # MAAS's own TLS is on
            return await ask(tls, f"port {TLS_PORT}")
        if response.status_code != httpx.codes.OK:
            return Failure(f"{who} answers with {response.status_code}")
        return None

    async def run() -> Failure | None:
        nonlocal answered
        if not answered:
            if not target.worker_socket.exists():
                return Failure("regiond does not listen yet")
            failure = await ask(worker, "regiond")
            if failure:
                return failure
        failure = await ask(web, "port 5240")
        answered = answered or failure is None
        return failure

    return run


CHECK = Check(
    name="api",
    proves="nginx, a worker of regiond and the database answer a request",
    period=10.0,
    timeout=9.0,
    make=_make,
)
