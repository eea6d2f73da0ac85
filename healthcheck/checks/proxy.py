"""Check: squid answers, unless MAAS's settings have it stopped."""

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.network import LOCALHOST, NO_ANSWER, local_client
from healthcheck.region_files import find_port
from healthcheck.supervisor_client import Unreachable

DEFAULT_PORT = 8000
REQUEST_TIMEOUT_SECONDS = 4.0
HTTP_PORT = r"^http_port (\d+)\s*$"  # the other one is for redirected traffic: "3128 transparent"


def _make(target: Target) -> Run:
    client = local_client(REQUEST_TIMEOUT_SECONDS)
    thread = Thread()

    async def run() -> Failure | None:
        configuration = target.proxy / "maas-proxy.conf"
        port = await thread.run(find_port, HTTP_PORT, configuration) or DEFAULT_PORT
        try:
            await client.get(f"http://{LOCALHOST}:{port}/")  # any answer, even "bad request"
        except NO_ANSWER as error:
            if await _stopped(target):
                return None
            return Failure(
                f"squid does not answer on port {port}",
                str(error) or type(error).__name__,
                "supervisorctl status squid",
            )
        return None

    return run


async def _stopped(target: Target) -> bool:
    """Ask PID 1 whether somebody has stopped squid. Its port is closed long before it has ended."""
    try:
        programs = await target.programs.client.programs()  # it was not asked since, perhaps
    except Unreachable:
        return False  # the check of the programs says so
    return any(p.name == "squid" and p.state in ("STOPPED", "STOPPING") for p in programs)


CHECK = Check(
    name="proxy",
    proves="squid answers, if MAAS wants it",
    means="machines that use the package proxy cannot install",
    weight=State.DEGRADED,
    period=30.0,
    timeout=8.0,
    make=_make,
    follows=("programs",),
)
