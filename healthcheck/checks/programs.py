"""Check: no program of PID 1's has failed."""

from collections.abc import Awaitable, Callable

from healthcheck.check import Check, Failure, Target
from healthcheck.supervisor_client import Program, SupervisorClient, Unreachable

# Without these the region does not serve; the others only degrade it.
VITAL = frozenset({"init", "regiond", "apiserver", "nginx", "bind9"})
# Never stopped, by MAAS's own settings or otherwise (facts/maas-region-run.md 1). What an operator
# stopped of these, regiond starts again within 30 s, or nobody does.
ALWAYS_ON = frozenset(
    {
        "regiond",
        "apiserver",
        "rsyslog",
        "chrony",
        "temporal",
        "temporal-worker",
        "housekeeping",
    }
)

# MAAS has refused a setting, of which the check `apply` tells more.
REFUSED = 78


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    client = SupervisorClient(target.supervisor_socket)

    async def run() -> Failure | None:
        try:
            programs = await client.programs()
        except Unreachable as error:
            return Failure(f"PID 1 does not answer: {error}")
        failed = [p for p in programs if _failed(p)]
        if not failed:
            return None
        reason = ", ".join(
            f"{p.name} is {p.state} ({p.description}; supervisorctl start {p.name})" for p in failed
        )
        return Failure(reason, degrades=not any(p.name in VITAL for p in failed))

    return run


def _failed(program: Program) -> bool:
    if program.name == "apply" and program.exit_status == REFUSED:
        return False
    return program.failed or (program.name in ALWAYS_ON and program.state == "STOPPED")


CHECK = Check(
    name="programs",
    proves="no program has failed",
    period=5.0,
    timeout=4.0,
    make=_make,
)
