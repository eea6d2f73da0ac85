"""Check: MAAS's API answers.

Until it has answered once, a worker's own socket is asked: nginx writes an upstream off for 10 s
when it is asked before the workers listen (facts/maas-region-run.md 5, "Probe trap").
"""

from collections.abc import Awaitable, Callable

import httpx

from healthcheck.check import Check, Failure, Target
from healthcheck.network import LOCALHOST, unix_client

PATH = "/MAAS/api/2.0/version/"
HTTPS_PORT = 443
REQUEST_TIMEOUT_SECONDS = 8.0  # a worker's first answer takes half a second


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    worker = unix_client(target.worker_socket, REQUEST_TIMEOUT_SECONDS)
    web = httpx.AsyncClient(
        base_url=f"http://{LOCALHOST}:5240", timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False
    )
    tls = httpx.AsyncClient(
        timeout=REQUEST_TIMEOUT_SECONDS,
        trust_env=False,
        verify=False,  # its name is the region's, and its issuer may be anybody
    )
    answered = False

    async def ask(client: httpx.AsyncClient, who: str, url: str = PATH) -> Failure | None:
        try:
            response = await client.get(url)
        except httpx.HTTPError as error:
            return Failure(f"{who} does not answer: {error or type(error).__name__}")
        if response.is_redirect and client is web:  # to MAAS's own TLS (facts/maas-operate.md 3)
            tls_port = httpx.URL(response.headers.get("Location", "")).port or HTTPS_PORT
            return await ask(tls, f"port {tls_port}", f"https://{LOCALHOST}:{tls_port}{PATH}")
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
