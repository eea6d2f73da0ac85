"""Check: MAAS's API answers.

Unless it has just answered, a worker's own socket is asked first: nginx writes an upstream off for
10 s when it is asked before the workers listen (facts/maas-region-run.md 5, "Probe trap").
"""

import httpx

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.network import LOCALHOST, NO_ANSWER, local_client, unix_client

PATH = "/MAAS/api/2.0/version/"
HTTPS_PORT = 443
REQUEST_TIMEOUT_SECONDS = 8.0  # a worker's first answer takes half a second


def _make(target: Target) -> Run:
    worker = unix_client(target.first_worker, REQUEST_TIMEOUT_SECONDS)
    web = local_client(REQUEST_TIMEOUT_SECONDS, f"http://{LOCALHOST}:5240")
    answered = False

    async def ask(client: httpx.AsyncClient, who: str, url: str = PATH) -> Failure | None:
        try:
            response = await client.get(url)
        except NO_ANSWER as error:
            return Failure(f"{who} does not answer", str(error) or type(error).__name__)
        # to MAAS's own TLS (facts/maas-operate.md 3)
        if response.has_redirect_location and url == PATH:
            tls_port = httpx.URL(response.headers["Location"]).port or HTTPS_PORT
            return await ask(client, f"port {tls_port}", f"https://{LOCALHOST}:{tls_port}{PATH}")
        if response.status_code != httpx.codes.OK:
            return Failure(
                f"{who} answers with {response.status_code}",
                mend="docker compose logs maas says why",
            )
        return None

    async def run() -> Failure | None:
        nonlocal answered
        if not answered:
            if not target.first_worker.exists():
                return Failure("regiond does not listen yet")
            failure = await ask(worker, "regiond")
            if failure:
                return failure
        failure = await ask(web, "port 5240")
        answered = failure is None
        return failure

    return run


CHECK = Check(
    name="api",
    proves="nginx, a worker of regiond and the database answer a request",
    means="browsers, racks and machines cannot use MAAS",
    weight=State.UNHEALTHY,
    period=10.0,
    timeout=9.0,
    make=_make,
    follows=("database", "programs", "regiond"),
)
