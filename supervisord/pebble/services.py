"""Services by the names that MAAS knows, and the changes that it asks for."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.states import ProcessStates, getProcessStateDescription

CURRENT = {
    ProcessStates.RUNNING: "active",
    ProcessStates.STARTING: "active",
    ProcessStates.BACKOFF: "backoff",
    ProcessStates.FATAL: "error",
    ProcessStates.UNKNOWN: "error",
}
STOPPED = frozenset({ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL})

# A young squid that gets a SIGHUP before it has a handler dies of it (maas-region-run.md 1.1).
SIGNAL_AGE_SECONDS = 3.0
# supervisorctl waits until it sees stopped what it stops. A program that is started again at once,
# because regiond asked for it meanwhile, would keep it waiting for ever.
STOPPED_AT_LEAST_SECONDS = 0.5
# MAAS may ask for a service a moment before it has written its file, and gives a change 10 s
# (maas-region-run.md 1.1).
CONFIGURATION_WAIT_SECONDS = 5.0
CHANGES_KEPT = 100


class Refused(Exception):
    """A request that is not carried out; the text says why, in Pebble's words where it has some."""


@dataclass
class Change:
    """One request to start, stop or restart services, carried out step by step."""

    id: str
    action: str
    steps: deque[tuple[str, str]]
    errors: list[str] = field(default_factory=list)
    # of the steps that are under way:
    stopped: str | None = None  # what it has stopped, or is stopping, itself
    spawned: bool = False
    waits_since: float | None = None  # for a file, by the clock

    @property
    def ready(self) -> bool:
        """Whether nothing is left to do."""
        return not self.steps

    def restarts(self, name: str) -> bool:
        """Whether it has stopped a service and starts it again, with nothing in the way."""
        return self.stopped == name and ("start", name) in self.steps and self.waits_since is None

    @property
    def status(self) -> str:
        """Pebble's word for where it stands."""
        if not self.ready:
            return "Doing"
        return "Error" if self.errors else "Done"


class Services:
    """Maps services to supervisord's processes. Nothing in here waits: `advance` is called often.

    Changes of one service are carried out one after another.
    """

    def __init__(
        self,
        processes: Mapping[str, Any],
        configurations: Mapping[str, Path],
        accepts_starts: Callable[[], bool],
        log: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._processes = processes
        self._configurations = configurations
        self._accepts_starts = accepts_starts
        self._log = log
        self._clock = clock
        self._ids = itertools.count(1)
        self._changes: dict[str, Change] = {}
        self._signals: dict[str, int] = {}

    def names(self) -> list[str]:
        """Return the names of all services."""
        return list(self._processes)

    def current(self, name: str) -> str:
        """Return Pebble's word for the state of a service that is known.

        Between the halves of a restart it is the one to come: MAAS, which restarts and looks in
        several threads at once, would hold the service for dead until its next look, 30 s later.
        """
        if any(change.restarts(name) for change in self._changes.values()):
            return CURRENT[ProcessStates.STARTING]
        return CURRENT.get(self._processes[name].state, "inactive")

    def change(self, change_id: str) -> Change | None:
        """Return a change by its id, while it is remembered."""
        return self._changes.get(change_id)

    def request(self, action: str, names: list[str]) -> Change:
        """Take a request to start, stop or restart services. Raises Refused."""
        self._must_know(names)
        kinds = {"start": ("start",), "stop": ("stop",), "restart": ("stop", "start")}.get(action)
        if kinds is None:
            raise Refused(f'action "{action}" is not supported')
        if "start" in kinds and not self._accepts_starts():
            raise Refused(f"cannot {action} {', '.join(names)}: the container is stopping")
        steps = deque((kind, name) for name in names for kind in kinds)
        change = Change(str(next(self._ids)), action, steps)
        for name in names:
            self._log(f"regiond asks to {action} {self._program(name)}")
        self._changes[change.id] = change
        while len(self._changes) > CHANGES_KEPT and next(iter(self._changes.values())).ready:
            del self._changes[next(iter(self._changes))]
        return change

    def signal(self, signal_number: int, names: list[str]) -> None:
        """Send a signal to services, each as soon as it can take it. Raises Refused."""
        self._must_know(names)
        idle = [name for name in names if not self._processes[name].pid]
        if idle:
            raise Refused(f"cannot send signal to {', '.join(idle)}: not running")
        for name in names:
            self._signals[name] = signal_number

    def advance(self) -> bool:
        """Carry requests on as far as they go without waiting; say whether anything was begun."""
        self._advance_signals()
        begun = False
        busy: set[str] = set()
        for change in self._changes.values():
            while change.steps and change.steps[0][1] not in busy:
                if not self._advance_step(change):
                    break
                begun = True
            busy.update(name for _, name in change.steps)
        return begun

    def _advance_signals(self) -> None:
        for name, number in list(self._signals.items()):
            process = self._processes[name]
            if not process.pid:
                del self._signals[name]  # what comes up next reads its files anyway
            elif not self._within(SIGNAL_AGE_SECONDS, process.laststart):
                del self._signals[name]
                problem = process.signal(number)
                if problem:
                    self._log(f"cannot signal {self._program(name)}: {problem}")

    def _advance_step(self, change: Change) -> bool:
        """Take, or look after, the first step of a change; say whether it is over."""
        kind, name = change.steps[0]
        over = self._stop(name, change) if kind == "stop" else self._start(name, change)
        if over:
            change.steps.popleft()
            if kind == "start":
                change.stopped = None
            change.spawned = False
            change.waits_since = None
            if change.errors:
                change.steps.clear()
        return over

    def _stop(self, name: str, change: Change) -> bool:
        process = self._processes[name]
        if process.state in STOPPED:
            return True
        if process.state != ProcessStates.STOPPING:
            change.stopped = name
            process.stop()
        return process.state in STOPPED

    def _start(self, name: str, change: Change) -> bool:
        process = self._processes[name]
        if process.state == ProcessStates.RUNNING:
            return True
        if process.state in (ProcessStates.STARTING, ProcessStates.STOPPING):
            return False
        if change.spawned:  # and does not run
            change.errors.append(
                f"cannot start {process.config.name}: it is"
                f" {getProcessStateDescription(process.state)}"
                f" ({process.spawnerr or 'it exited'}); its own log says why"
            )
            return True
        if not self._accepts_starts():
            change.errors.append(f"cannot start {process.config.name}: the container is stopping")
            return True
        stopped_by_others = change.stopped != name
        if stopped_by_others and self._within(STOPPED_AT_LEAST_SECONDS, process.laststop):
            return False
        configuration = self._configurations.get(name)
        if configuration and not configuration.exists():
            return self._wait_for(configuration, process, change)
        change.spawned = True
        process.spawn()
        return False

    def _wait_for(self, configuration: Path, process: Any, change: Change) -> bool:
        """Say whether it is over, because the file did not come."""
        program = process.config.name
        if change.waits_since is None:
            change.waits_since = self._clock()
            self._log(f"{program} waits for {configuration}")
        if self._within(CONFIGURATION_WAIT_SECONDS, change.waits_since):
            return False
        change.errors.append(f"cannot start {program}: MAAS has not written {configuration}")
        return True

    def _within(self, seconds: float, since: float) -> bool:
        """Say whether less time than that has passed; a clock that was set back ends the wait."""
        return 0 <= self._clock() - since < seconds

    def _program(self, name: str) -> str:
        program = self._processes[name].config.name
        return program if program == name else f"{program} ({name})"

    def _must_know(self, names: list[str]) -> None:
        if not names:
            raise Refused("no services to act on")
        for name in names:
            if name not in self._processes:
                raise Refused(f'service "{name}" does not exist')
