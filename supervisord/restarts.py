"""Restarting: what failed is started again, later and later, and a quiet period forgives.

supervisord itself starts again at once what had been up for `startsecs`, and otherwise after 1, 2,
3 … seconds until it gives up after `startretries`. Here the first failure of a program that was up
is mended at once, and each further one after twice the delay, within a quiet period, up to a cap.
Whether something is given up is exit_status.py's to say.
"""

import math
import os
import random
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor import events
from supervisor.datatypes import RestartUnconditionally
from supervisor.options import decode_wait_status
from supervisor.states import ProcessStates

from supervisord.log.container_log import ContainerLog
from supervisord.program_file import Program

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A delay is shorter by up to this part of it, so that what failed together does not come together.
JITTER = 0.25
# After that long without a failure, a program is as good as new.
QUIET_SECONDS = 60.0
REMEMBERED_FAILURES = 5

# How a program can end, or fail to start; REQUESTED is a stop on request, whatever it looked like.
REQUESTED, SUCCESS, ERROR, SIGNAL, NOT_STARTED = EXITS = (
    "requested",
    "success",
    "error",
    "signal",
    "not_started",
)

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LONGEST_LINE = 200  # characters


@dataclass
class History:
    """How a program has failed lately."""

    streak: int = 0  # failures without a quiet period between them
    times: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FAILURES))
    reason: str = ""  # of the last failure, or of the last end


@dataclass
class Counts:
    """How often since PID 1's start a program was started after a failure, and ended, by how."""

    restarts: int = 0
    exits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EXITS, 0))


class Restarts:
    """Follows what becomes of each program, says so, and starts again what should run."""

    def __init__(
        self,
        programs: Mapping[str, Program],
        processes: Mapping[str, Any],
        log: ContainerLog,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._programs = programs
        self._processes = processes
        self._log = log
        self._clock = clock
        self._monotonic = monotonic
        self._uniform = uniform
        self._histories: dict[str, History] = {}
        self._counts: dict[str, Counts] = {}
        self._ended: list[str] = []  # what stands in EXITED and should run

    def counts(self, name: str) -> Counts:
        """Return how often a program was started again, and ended."""
        return self._counts.setdefault(name, Counts())

    def history(self, name: str) -> History:
        """Return how a program has failed lately."""
        return self._histories.setdefault(name, History())

    def note_end(self, name: str, wait_status: int, last_line: bytes) -> None:
        """Note how a process has ended, before supervisord draws its conclusions."""
        self.counts(name).exits[self._exit(name, wait_status)] += 1
        reason = decode_wait_status(wait_status)[1]
        if "SIGKILL" in reason and not self._processes[name].killing:
            reason += " (perhaps out of memory)"
        one_shot = self._programs[name].one_shot  # its words are right above
        if last_line and os.WIFEXITED(wait_status) and wait_status and not one_shot:
            reason += f"; its last line: {_printable(last_line)}"
        self.history(name).reason = reason

    def on_state(self, event: Any) -> None:
        """Draw our own conclusions from a change of a program's state."""
        process = event.process
        name = process.config.name
        state = process.state
        if state == ProcessStates.STARTING:
            self._log.info(f"{name} starts")
            self.counts(name).restarts += self.history(name).streak > 0
        elif state == ProcessStates.STOPPED and event.from_state == ProcessStates.STOPPING:
            reason = self.history(name).reason
            self._log.info(f"{name} has stopped ({reason}), had run {_duration(process)}")
            del self._histories[name]  # on request, and so it begins anew
        elif state == ProcessStates.EXITED:
            self._on_exit(name, process)
        elif isinstance(event, events.ProcessStateBackoffEvent):
            self._on_backoff(name, process, event.from_state)

    def start_again(self) -> bool:
        """Start, now or after a delay, what has ended since the last turn; say whether any did."""
        ended, self._ended = self._ended, []
        for name in ended:
            process = self._processes.get(name)
            if process is None or process.state != ProcessStates.EXITED:
                continue
            if self.history(name).streak == 1:
                process.spawn()
            else:
                process.change_state(ProcessStates.BACKOFF)
        return bool(ended)

    def describe(self, name: str) -> str:
        """Return what `supervisorctl status` should add for a program that runs."""
        history = self._histories.get(name)
        process = self._processes[name]
        if not history or not history.streak or self._was_quiet(process):
            return ""
        return f", failed {_times(history.streak)}, last: {history.reason}"

    def _exit(self, name: str, wait_status: int) -> str:
        if self._processes[name].killing:
            return REQUESTED
        if os.WIFSIGNALED(wait_status):
            return SIGNAL
        return ERROR if wait_status else SUCCESS

    def _on_exit(self, name: str, process: Any) -> None:
        reason = self.history(name).reason
        if not _should_run(process):
            end = "has ended well" if process.exitstatus == 0 else "has ended"
            after = f"after {_duration(process)}"
            why = "" if process.exitstatus == 0 else f": {reason}"
            self._log.info(f"{name} {end} {after}{why}")
            return
        self._note_failure(name, process)
        self._ended.append(name)
        if self.history(name).streak == 1:
            self._log.warn(f"{name} failed after {_duration(process)}: {reason}. Starting it again")

    def _on_backoff(self, name: str, process: Any, from_state: int) -> None:
        history = self.history(name)
        if from_state != ProcessStates.EXITED:  # that one is noted already
            if process.spawnerr and not process.pid:  # not even started
                history.reason = process.spawnerr
                self.counts(name).exits[NOT_STARTED] += 1
                if "process table" in history.reason:
                    history.reason += " (the container's pids_limit is reached)"
            self._note_failure(name, process)
        delay = self._delay(history.streak)
        now = self._clock()
        process.delay = now + delay
        # supervisord takes this for the length of the delay where the clock is set back
        process.backoff = math.ceil(delay) + 1
        at = time.strftime("%H:%M:%SZ", time.gmtime(process.delay))
        process.spawnerr = f"failed {_times(history.streak)}, next start {at}: {history.reason}"
        self._log.warn(
            f"{name} failed after {_duration(process)}: {history.reason}. Starting it again in"
            f" {delay:.1f} s (failure {history.streak})"
        )

    def _note_failure(self, name: str, process: Any) -> None:
        history = self.history(name)
        if self._was_quiet(process):
            history.streak = 0
        history.streak += 1
        history.times.append(self._monotonic())

    def _was_quiet(self, process: Any) -> bool:
        return bool(self._clock() - process.laststart >= QUIET_SECONDS)

    def _delay(self, streak: int) -> float:
        """Return the seconds until the next start."""
        longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(streak - 1, 20))
        return float(longest * (1 - self._uniform(0, JITTER)))


def _should_run(process: Any) -> bool:
    """Say whether a program that has ended by itself is to be started again (`autorestart=`)."""
    autorestart = process.config.restart_when
    if autorestart is RestartUnconditionally:
        return True
    return bool(autorestart and process.exitstatus not in process.config.exitcodes)


def _printable(line: bytes) -> str:
    """Return a line without colours and control characters, and not too long for a status."""
    text = _COLOUR.sub("", line.decode(errors="replace")).strip()
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def _duration(process: Any) -> str:
    seconds = max(time.time() - process.laststart, 0)
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
