"""Check: squid answers, unless MAAS's settings have it stopped."""

from collections.abc import Awaitable, Callable

import httpx

from healthcheck.check import Check, Failure, Target
from healthcheck.network import LOCALHOST
from healthcheck.region_files import find
from healthcheck.supervisor_client import SupervisorClient, Unreachable

DEFAULT_PORT = 8000
REQUEST_TIMEOUT_SECONDS = 4.0
HTTP_PORT = r"^http_port (\d+)\s*$"  # the other one is for redirected traffic: "3128 transparent"


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    supervisor = SupervisorClient(target.supervisor_socket)
    client = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False)

    async def run() -> Failure | None:
        try:
            programs = await supervisor.programs()
        except Unreachable:
            programs = []  # the check of the programs says so
        if any(p.name == "squid" and p.state == "STOPPED" for p in programs):
            return None
        port = find(HTTP_PORT, target.proxy / "maas-proxy.conf") or DEFAULT_PORT
        try:
            await client.get(f"http://{LOCALHOST}:{port}/")  # any answer, even "bad request"
        except httpx.HTTPError as error:
            return Failure(
                f"squid does not answer on port {port}: {error or type(error).__name__}"
                " (supervisorctl status squid)",
                degrades=True,
            )
        return None

    return run


CHECK = Check(
    name="proxy",
    proves="squid answers, if MAAS wants it",
    period=30.0,
    timeout=8.0,
    make=_make,
)
