"""Healing: a regiond that hangs is restarted, and nothing else is.

It hangs when its process lives, the database answers, and its parent or a worker gave no answer
several times in a row. An error is an answer. During init, migration and stop nothing is healed,
for regiond does not run then; nor while regiond starts: one that is not yet listening is not hung.
"""

import time
from collections import deque
from collections.abc import Callable

from healthcheck.supervisor_client import Program
from healthcheck.verdict import Result

UNANSWERED = 3
MOST_HEALS = 3
HEALS_SECONDS = 3600.0
# A regiond that has given no answer at all by then does not start any more. Its first start on an
# empty database takes 20 s, of which most is the machine's (facts/maas-region-run.md 5).
START_SECONDS = 600.0


class Healing:
    """Decides whether regiond is to be restarted, from what the checks found."""

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
