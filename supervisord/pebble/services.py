"""Services by the names that MAAS knows, and what is asked of them."""

import itertools
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from supervisor.states import ProcessStates, getProcessStateDescription

from supervisord.log.container_log import ContainerLog
from supervisord.order import Order
from supervisord.pebble.changes import Change, Task
from supervisord.program_file import Program

CURRENT = {
    ProcessStates.RUNNING: "active",
    ProcessStates.STARTING: "active",
    ProcessStates.BACKOFF: "backoff",
    ProcessStates.FATAL: "error",
    ProcessStates.UNKNOWN: "error",
}
STOPPED = frozenset({ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL})

# supervisorctl waits until it sees stopped what it stops. A program that is started again at once,
# because regiond asked for it meanwhile, would keep it waiting for ever.
STOPPED_AT_LEAST_SECONDS = 0.5
# MAAS may ask for a service a moment before it has written its file, and gives a change 10 s
# (maas-region-run.md 1.1).
NEEDS_WAIT_SECONDS = 5.0
CHANGES_KEPT = 100
# The same request is not said again that long.
REPEAT_SECONDS = 10.0

_KINDS = {"start": ("start",), "stop": ("stop",), "restart": ("stop", "start")}
# Those that Pebble takes without names: here, all that would start by themselves.
_OF_ALL = {"autostart": "start", "replan": "start"}


class Refused(Exception):
    """A request that is not carried out; the text says why, in Pebble's words where it has some."""


class Services:
    """Maps services to supervisord's processes. Nothing in here waits: `advance` is called often.

    Changes of one service are carried out one after another.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        processes: Mapping[str, Any],
        order: Order,
        accepts_starts: Callable[[], bool],
        log: ContainerLog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._programs = programs
        self._processes = processes
        self._order = order
        self._accepts_starts = accepts_starts
        self._log = log
        self._clock = clock
        self._ids = itertools.count(1)
        self._task_ids = itertools.count(1)
        self._changes: dict[str, Change] = {}
        self._said: dict[str, tuple[float, int]] = {}  # when last, and how often since

    def names(self) -> list[str]:
        """Return the names of all services."""
        return list(self._by_service())

    def starts_by_itself(self, service: str) -> bool:
        """Say whether a service that is known starts without being asked for."""
        return self._by_service()[service].autostart

    def current(self, service: str) -> str:
        """Return Pebble's word for the state of a service that is known.

        Between the halves of a restart it is the one to come: MAAS, which restarts and looks in
        several threads at once, would hold the service for dead until its next look, 30 s later.
        """
        if any(not c.ready and c.restarts(service) for c in self._changes.values()):
            return CURRENT[ProcessStates.STARTING]
        return CURRENT.get(self._process(service).state, "inactive")

    def changes(self) -> list[Change]:
        """Return the changes that are remembered, the oldest first."""
        return list(self._changes.values())

    def change(self, change_id: str) -> Change | None:
        """Return a change by its id, while it is remembered."""
        return self._changes.get(change_id)

    def request(self, action: str, services: list[str]) -> Change:
        """Take a request to start, stop or restart services. Raises Refused."""
        if action in _OF_ALL:
            if services:
                raise Refused(f"{action} accepts no service names")
            services = [name for name in self.names() if self.starts_by_itself(name)]
        elif not services:
            raise Refused(f"must specify services for {action} action")
        kinds = _KINDS.get(_OF_ALL.get(action, action))
        if kinds is None:
            raise Refused(f'invalid action "{action}"')
        services = list(dict.fromkeys(services))
        for service in services:
            if service not in self._by_service():
                raise Refused(f'cannot {action} services: service "{service}" does not exist')
        if "start" in kinds and not self._accepts_starts():
            raise Refused(f"cannot {action} {', '.join(services)}: the container is stopping")
        now = self._clock()
        change = Change(str(next(self._ids)), action, services, now)
        change.tasks = [
            Task(str(next(self._task_ids)), kind, service, now)
            for kind in kinds
            for service in services
        ]
        for service in services:
            program = self._program_of(service)
            # regiond is restarted by the monitor, when it hangs
            who = "healthcheck" if program == "regiond" else "regiond"
            self._say_request(f"{who} asks to {action} {program}", now)
        self._changes[change.id] = change
        while len(self._changes) > CHANGES_KEPT and next(iter(self._changes.values())).ready:
            del self._changes[next(iter(self._changes))]
        return change

    def signal(self, number: int, services: list[str]) -> None:
        """Send a signal to services, each as soon as it can take it. Raises Refused."""
        problems = []
        for service in services:
            known = service in self._by_service()
            process = self._process(service) if known else None
            if process is None or not process.pid:
                problems.append(f'cannot send signal to "{service}": service is not running')
            elif problem := process.signal(number):
                problems.append(f'cannot send signal to "{service}": {problem}')
        if problems:
            raise Refused("; ".join(problems))

    def advance(self) -> bool:
        """Carry requests on as far as they go without waiting; say whether anything was done."""
        finished = False
        busy: set[str] = set()
        for change in self._changes.values():
            if change.ready:
                continue
            for kind in ("stop", "start"):
                tasks = [t for t in change.tasks if t.kind == kind and not t.ready]
                for task in tasks:
                    if task.service not in busy and self._try_task(task, change):
                        task.ready_time = self._clock()
                        finished = True
                if any(not task.ready for task in tasks):
                    break  # what is to be started waits for all that is to be stopped
            busy.update(task.service for task in change.tasks if not task.ready)
            if all(task.ready for task in change.tasks):
                change.ready_time = self._clock()
        return finished

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return any(not change.ready for change in self._changes.values())

    def _try_task(self, task: Task, change: Change) -> bool:
        """Advance a task; one that cannot be must not be in the way of all others."""
        try:
            return self._advance_task(task, change)
        except Exception as error:
            self._log.say("ERROR", f"cannot {task.kind} {task.service}:\n{traceback.format_exc()}")
            task.error = f"internal error: {error!r}"
            return True

    def _advance_task(self, task: Task, change: Change) -> bool:
        """Begin, or look after, a task; say whether it is over."""
        if task.service not in self._by_service():
            task.error = f'service "{task.service}" does not exist any more'
            return True
        process = self._process(task.service)
        return (
            self._stop(task, process) if task.kind == "stop" else self._start(task, process, change)
        )

    def _stop(self, task: Task, process: Any) -> bool:
        self._order.drop(process.config.name)
        if process.state in STOPPED:
            return True
        if process.state != ProcessStates.STOPPING:
            task.begun = True
            process.stop()
        return process.state in STOPPED

    def _start(self, task: Task, process: Any, change: Change) -> bool:
        if process.state == ProcessStates.RUNNING:
            return True
        if process.state in (ProcessStates.STARTING, ProcessStates.STOPPING):
            return False
        name = process.config.name
        if task.begun:  # and does not run
            why = process.spawnerr or f"it is {getProcessStateDescription(process.state)}"
            task.error = f"cannot start {name}: {why}"
            return True
        if not self._accepts_starts():
            task.error = f"cannot start {name}: the container is stopping"
            return True
        stopped_here = change.restarts(task.service)
        if not stopped_here and self._within(STOPPED_AT_LEAST_SECONDS, process.laststop):
            return False
        missing = self._missing(name)
        if missing:
            return self._wait_for(missing, name, task)
        task.begun = True
        process.spawn()
        return False

    def _missing(self, name: str) -> str | None:
        """Return what a program cannot start without, even when MAAS asks for it."""
        configuration = self._programs[name].configuration
        if configuration and not configuration.exists():
            return str(configuration)
        return self._order.missing(name, files=False)

    def _wait_for(self, missing: str, name: str, task: Task) -> bool:
        """Say whether it is over, because what is missing did not come."""
        if not task.waits:
            task.waits = True
            self._log.info(f"{name} waits for {missing}")
        if self._within(NEEDS_WAIT_SECONDS, task.spawn_time):
            return False
        why = (
            f"MAAS has not written {missing}" if missing.startswith("/") else f"it needs {missing}"
        )
        task.error = f"cannot start {name}: {why}"
        return True

    def _within(self, seconds: float, since: float) -> bool:
        """Say whether less time than that has passed; a clock that was set back ends the wait."""
        return 0 <= self._clock() - since < seconds

    def _say_request(self, words: str, now: float) -> None:
        """Log a request; one that is repeated all the time, as MAAS may, not each time."""
        said_at, count = self._said.get(words, (0.0, 0))
        if 0 <= now - said_at < REPEAT_SECONDS:
            self._said[words] = said_at, count + 1
            return
        self._said[words] = now, 0
        self._log.info(f"{words} ({count} times more meanwhile)" if count else words)

    def _by_service(self) -> dict[str, Program]:
        return {p.pebble: p for p in self._programs.values() if p.pebble}

    def _process(self, service: str) -> Any:
        return self._processes[self._by_service()[service].name]

    def _program_of(self, service: str) -> str:
        program = self._by_service()[service].name
        return program if program == service else f"{program} ({service})"
