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
MOST_HEALS = 3
HEALS_SECONDS = 3600.0
# A regiond that has given no answer at all by then does not start any more. Its first start on an
# empty database takes 20 s, of which most is the machine's (facts/maas-region-run.md 5).
START_SECONDS = 600.0


class Hangs:
    """Decides whether regiond hangs, and whether one more restart makes sense."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.heals = 0
        self._clock = clock
        self._wall_clock = wall_clock
        self._unanswered_since: list[float] = []
        self._lately: deque[float] = deque(maxlen=MOST_HEALS)
        self._answered_in = 0  # the start time of the regiond that has answered

    @property
    def exhausted(self) -> bool:
        """Whether it was restarted as often lately as makes sense."""
        return len(self._lately) == MOST_HEALS and self._clock() - self._lately[0] < HEALS_SECONDS

    def note(self, regiond: Result, database: Result | None, program: Program | None) -> bool:
        """Take a result of the check `regiond`; say whether regiond hangs.

        `database` is the last result of that check, `program` what PID 1 told last of regiond.
        """
        runs = program is not None and program.state == "RUNNING"
        if not runs or database is None or database.failure:
            self._unanswered_since.clear()  # what answers nothing now does so for another reason
            return False
        assert program
        if regiond.failure is None:
            self._unanswered_since.clear()
            self._answered_in = program.start_time
            return False
        age = self._wall_clock() - program.start_time
        if self._answered_in != program.start_time and age < START_SECONDS:
            return False
        self._unanswered_since.append(regiond.at - regiond.seconds)
        # the database has answered since the first of them was asked
        return len(self._unanswered_since) >= UNANSWERED and database.at > self._unanswered_since[0]

    def healed(self) -> None:
        """Note that regiond is being restarted."""
        self.heals += 1
        self._lately.append(self._clock())
        self._unanswered_since.clear()


class Healer:
    """Restarts a regiond that hangs, and says so; `heals` counts."""

    def __init__(self, monitor: Monitor, target: Target, say: Callable[[str], None]) -> None:
        self._hangs = Hangs()
        self._results = monitor.results
        self._target = target
        self._say = say
        self._hung = asyncio.Event()
        if target.settings.maas_heal:
            monitor.on_result.append(self._note)

    @property
    def heals(self) -> int:
        """How often regiond was restarted."""
        return self._hangs.heals

    async def keep_healing(self) -> None:
        """Restart regiond, for ever, when it hangs."""
        said = False
        while True:
            await self._hung.wait()
            self._hung.clear()
            failure = self._results["regiond"].failure
            if not self._hangs.exhausted:
                said = False
                self._say(f"regiond hangs and is restarted: {failure}")
                await self._restart()
            elif not said:
                said = True
                self._say(
                    f"cannot heal regiond: it was restarted {MOST_HEALS} times within"
                    f" {HEALS_SECONDS / 60:.0f} minutes, and still: {failure}"
                    " (docker compose restart maas)"
                )

    async def _restart(self) -> None:
        try:
            await self._target.programs.client.restart("regiond")
        except Unreachable as error:
            self._say(f"cannot restart regiond: PID 1 does not answer: {error}")
        else:
            self._hangs.healed()

    def _note(self, check: Check, result: Result) -> None:
        if check.name == "regiond":
            program = self._target.programs.find("regiond")
            if self._hangs.note(result, self._results.get("database"), program):
                self._hung.set()
