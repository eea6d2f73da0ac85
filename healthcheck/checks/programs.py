"""Check: every program that should run does, and none fails again and again."""

import time
from collections import deque

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.supervisor_client import Program, Unreachable

# Without these the region does not serve; the others only degrade it. Nobody stops them for good.
VITAL = frozenset({"init", "regiond", "apiserver", "nginx", "bind9"})
UP = frozenset({"RUNNING", "STARTING"})
# MAAS has refused a setting, of which the check `apply` tells more.
REFUSED = 78
# So many restarts within that long are worth a word, though it runs just now.
RESTARTS = 10
RESTARTS_SECONDS = 600.0


class _Restarts:
    """Remembers how often each program had been restarted at which time."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, dict[str, int]]] = deque()

    def lately(self, programs: list[Program]) -> dict[str, int]:
        """Return how often each has been restarted lately."""
        now = time.monotonic()
        self._seen.append((now, {program.name: program.restarts for program in programs}))
        while now - self._seen[0][0] > RESTARTS_SECONDS:
            self._seen.popleft()
        before = self._seen[0][1]
        # fewer than before: PID 1 has begun anew
        return {p.name: max(p.restarts - before.get(p.name, 0), 0) for p in programs}


def _make(target: Target) -> Run:
    restarts = _Restarts()

    async def run() -> Failure | None:
        try:
            programs = await target.programs.fresh()
        except Unreachable as error:
            return Failure("PID 1 does not answer", str(error), "docker compose restart maas")
        failed = [program for program in programs if _failed(program)]
        if failed:
            target.programs.ask_again()
            return Failure(
                ", ".join(f"{p.name} is {p.state}" for p in failed),
                "; ".join(p.description for p in failed),
                f"supervisorctl start {' '.join(p.name for p in failed)}",
                degrades=not any(p.name in VITAL for p in failed),
            )
        lately = restarts.lately(programs)
        often = [name for name, count in lately.items() if count >= RESTARTS]
        if often:
            return Failure(
                ", ".join(f"{name} was restarted {lately[name]} times" for name in often)
                + f" within {RESTARTS_SECONDS / 60:.0f} minutes",
                mend=f"supervisorctl tail {often[0]}",
                degrades=True,
            )
        return None

    return run


def _failed(program: Program) -> bool:
    """Say whether a program does not run and should, or ended as it should not."""
    if program.state in UP:
        return False
    if program.name == "apply" and program.exit_status == REFUSED:
        return False
    if program.state == "EXITED":
        return program.exit_status != 0 or program.wanted
    return program.state not in ("STOPPED", "STOPPING") or (
        program.name in VITAL and program.state == "STOPPED"
    )


CHECK = Check(
    name="programs",
    proves="every program that should run does",
    means="what the program does is missing: supervisorctl status says what PID 1 does about it",
    weight=State.UNHEALTHY,
    period=5.0,
    timeout=4.0,
    make=_make,
)
