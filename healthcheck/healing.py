"""Healing: a regiond that hangs is restarted, and nothing else is.

It hangs when its process lives, the database answers, and its parent or a worker gave no answer
several times in a row. An error is an answer. During init, migration and stop nothing is healed,
for regiond does not run then; nor while regiond starts: one that is not yet listening is not hung.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from healthcheck.check import Check, Target
from healthcheck.monitor import Monitor
from healthcheck.supervisor_client import Program, Unreachable
from healthcheck.verdict import Result

UNANSWERED = 3
# So long at least: a worker that has died is there again after some 8 s, on a slow machine later
# (facts/maas-region-run.md 5).
UNANSWERED_SECONDS = 30.0
MOST_HEALS = 3
HEALS_SECONDS = 3600.0
# A regiond that could answer and has not for so long does not start any more. Its first start on an
# empty database takes 20 s, of which most is the machine's (facts/maas-region-run.md 5).
START_SECONDS = 600.0


class Hangs:
    """Decides whether regiond hangs, and whether one more restart makes sense."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.heals = 0
        self._clock = clock
        self._lately: deque[float] = deque(maxlen=MOST_HEALS)
        self._silent_since: list[float] = []  # when those were asked that gave no answer, in a row
        self._answered_in = 0  # the start time of the regiond that has answered
        self._could_answer: tuple[int, float] | None = None  # which regiond, and since when

    @property
    def exhausted(self) -> bool:
        """Whether it was restarted as often lately as makes sense."""
        return len(self._lately) == MOST_HEALS and self._clock() - self._lately[0] < HEALS_SECONDS

    def note(self, regiond: Result, database: Result | None, program: Program | None) -> bool:
        """Take a result of the check `regiond`; say whether regiond hangs.

        `database` is the last result of that check, `program` what PID 1 told last of regiond.
        """
        if program is None or program.state != "RUNNING" or not database or database.failure:
            self._silent_since.clear()  # what answers nothing now does so for another reason
            self._could_answer = None
            return False
        if self._could_answer is None or self._could_answer[0] != program.start_time:
            self._silent_since.clear()
            self._could_answer = program.start_time, regiond.at
        if regiond.failure is None or not regiond.failure.silent:
            self._silent_since.clear()
            if regiond.failure is None:
                self._answered_in = program.start_time
            return False
        starts = self._answered_in != program.start_time
        if starts and regiond.at - self._could_answer[1] < START_SECONDS:
            return False
        self._silent_since.append(regiond.at - regiond.seconds)
        first = self._silent_since[0]
        return (
            len(self._silent_since) >= UNANSWERED
            and regiond.at - first >= UNANSWERED_SECONDS
            and database.at > first  # it has answered meanwhile
        )

    def healed(self) -> None:
        """Note that regiond is being restarted."""
        self.heals += 1
        self._lately.append(self._clock())
        self._silent_since.clear()


class Healer:
    """Restarts a regiond that hangs, and says so; `heals` counts."""

    def __init__(self, monitor: Monitor, target: Target, say: Callable[[str], None]) -> None:
        self._hangs = Hangs()
        self._results = monitor.results
        self._target = target
        self._say = say
        self._said_exhausted = False
        self._hung = asyncio.Event()
        if target.settings.maas_heal:
            monitor.on_result.append(self._note)

    @property
    def heals(self) -> int:
        """How often regiond was restarted."""
        return self._hangs.heals

    async def keep_healing(self) -> None:
        """Restart regiond, for ever, when it hangs."""
        while True:
            await self._hung.wait()
            failure = self._results["regiond"].failure
            if not self._hangs.exhausted:
                await self._restart(f"regiond hangs and is restarted: {failure}")
            elif not self._said_exhausted:
                self._said_exhausted = True
                self._say(
                    f"cannot heal regiond: it was restarted {MOST_HEALS} times within"
                    f" {HEALS_SECONDS / 60:.0f} minutes, and still: {failure}"
                    " (docker compose restart maas)"
                )
            self._hung.clear()  # what was noted meanwhile, too

    async def _restart(self, why: str) -> None:
        programs = self._target.programs
        seen = programs.find("regiond")
        try:
            now = {program.name: program for program in await programs.client.programs()}
            regiond = now.get("regiond")
            if not seen or not regiond or regiond.state != "RUNNING":
                return  # somebody stops it, or it has ended
            if regiond.start_time != seen.start_time:
                return
            self._say(why)
            await programs.client.restart("regiond")
        except Unreachable as error:
            self._say(f"cannot restart regiond: PID 1 does not answer: {error}")
        else:
            self._hangs.healed()

    def _note(self, check: Check, result: Result) -> None:
        if check.name != "regiond":
            return
        if result.failure is None:
            self._said_exhausted = False
        program = self._target.programs.find("regiond")
        if self._hangs.note(result, self._results.get("database"), program):
            self._hung.set()
