"""What an operator asks for with supervisorctl, kept in order.

Extends supervisor's own XML-RPC interface: it says who asked, waits for what a program needs, and
starts and stops everything in order.
"""

from collections.abc import Callable, Mapping
from typing import Any

from supervisor.http import NOT_DONE_YET
from supervisor.rpcinterface import (
    SupervisorNamespaceRPCInterface,
    isNotRunning,
    make_allfunc,
)
from supervisor.states import RUNNING_STATES, STOPPED_STATES, ProcessStates
from supervisor.xmlrpc import Faults, RPCError

from supervisord.log.container_log import ContainerLog
from supervisord.order import Order
from supervisord.program_file import Program, ProgramFileError
from supervisord.restarts import Restarts

# How often supervisord asks whether something is done. Its own 0 for a stop means without a pause,
# which is a whole core as long as it takes.
POLL_SECONDS = 0.05


class OperatorInterface(SupervisorNamespaceRPCInterface):  # type: ignore[misc]
    """supervisor's interface (http://supervisord.org/api.html), with some methods replaced."""

    # system.listMethods looks at the names of the class itself only
    vars().update(
        {k: v for k, v in vars(SupervisorNamespaceRPCInterface).items() if not k.startswith("__")}
    )

    def __init__(
        self,
        supervisor: Any,
        programs: Mapping[str, Program],
        order: Order,
        restarts: Restarts,
        log: ContainerLog,
        read_files: Callable[[], Callable[[], None]],
    ) -> None:
        super().__init__(supervisor)
        self._programs = programs
        self._order = order
        self._restarts = restarts
        self._log = log
        self._read_files = read_files

    def startProcess(self, name: str, wait: bool = True) -> Any:
        """Start a process, as soon as what it needs is there."""
        self._update("startProcess")
        _, process = self._getGroupAndProcess(name)
        if process is None or process.get_state() in RUNNING_STATES:
            return super().startProcess(name, wait)
        program = process.config.name
        missing = self._order.missing(program)
        if not missing and not self._order.holds(program):
            self._log.info(f"supervisorctl starts {program}")
            return super().startProcess(name, wait)
        if not self._order.holds(program):
            self._log.info(f"supervisorctl starts {program} when {missing} is there")
            self._order.hold([program])
        return _deferred(lambda: self._started(process)) if wait else True

    def stopProcess(self, name: str, wait: bool = True) -> Any:
        """Stop a process, or do not start it any more."""
        self._update("stopProcess")
        _, process = self._getGroupAndProcess(name)
        if process is None:
            return super().stopProcess(name, wait)
        program = process.config.name
        if self._order.holds(program):
            self._order.drop(program)
            return True
        answer = super().stopProcess(name, wait)
        self._log.info(f"supervisorctl stops {program}, until {self._until(program)}")
        return _deferred(answer) if callable(answer) else answer

    def startAllProcesses(self, wait: bool = True) -> Any:
        """Start all processes, each as soon as what it needs is there.

        A one-shot is not repeated under those that run because it ended well, and what does not
        start by itself is left to MAAS.
        """
        self._update("startAllProcesses")
        self._log.info("supervisorctl starts everything")
        targets = [
            (group, process)
            for group, process in self._getAllProcesses()
            if isNotRunning(process)
            and self._programs[process.config.name].autostart
            and not self._order.serves(process.config.name)
        ]
        self._order.hold(process.config.name for _, process in targets)
        return _deferred(make_allfunc(targets, isNotRunning, self.startProcess, wait=wait))

    def stopProcessGroup(self, name: str, wait: bool = True) -> Any:
        """Stop the processes of a group, or do not start them any more."""
        self._update("stopProcessGroup")
        group = self.supervisord.process_groups.get(name)
        for program in group.processes if group else ():
            self._order.drop(program)
        return super().stopProcessGroup(name, wait)

    def stopAllProcesses(self, wait: bool = True) -> Any:
        """Stop all processes, in order."""
        self._update("stopAllProcesses")
        self._log.info("supervisorctl stops everything")
        targets = [
            (group, process)
            for group, process in self._getAllProcesses()
            if process.get_state() not in STOPPED_STATES or self._order.holds(process.config.name)
        ]
        self._order.stop(process.config.name for _, process in targets)

        def stopped() -> Any:
            if wait and any(p.get_state() not in STOPPED_STATES for _, p in targets):
                return NOT_DONE_YET
            return [
                {
                    "name": process.config.name,
                    "group": group.config.name,
                    "status": Faults.SUCCESS,
                    "description": "OK",
                }
                for group, process in targets
            ]

        return _deferred(stopped)

    def reloadConfig(self) -> Any:
        """Read the program files again; one with a mistake changes nothing."""
        try:
            apply = self._read_files()
        except ProgramFileError as error:
            raise RPCError(Faults.CANT_REREAD, str(error)) from None
        answer = super().reloadConfig()
        apply()
        return answer

    def _interpretProcessInfo(self, info: dict[str, Any]) -> str:
        program, state = info["name"], info["state"]
        if self._order.holds(program) and state in STOPPED_STATES:
            return f"waits for {self._order.missing(program) or 'its turn'}"
        added = self._restarts.describe(program) if state == ProcessStates.RUNNING else ""
        return f"{super()._interpretProcessInfo(info)}{added}"

    def _started(self, process: Any) -> Any:
        """Answer as supervisor does when a program was started and is waited for."""
        name = process.config.name
        state = process.get_state()
        if self._order.holds(name) or state == ProcessStates.STARTING:
            return NOT_DONE_YET
        program = self._programs[name]
        if state == ProcessStates.RUNNING or (program.one_shot and process.exitstatus == 0):
            return True
        if program.configuration and not program.configuration.exists():
            return True  # it is left to MAAS
        raise RPCError(
            Faults.SPAWN_ERROR if process.spawnerr else Faults.ABNORMAL_TERMINATION, name
        )

    def _until(self, name: str) -> str:
        if self._programs[name].pebble and not self._programs[name].essential:
            return "MAAS asks for it, which it does every 30 s for what its settings want"
        return "it is started again"


def _deferred(callback: Callable[[], Any]) -> Callable[[], Any]:
    """Return a callback of its own that supervisord asks from time to time."""

    def ask() -> Any:
        return callback()

    ask.delay = POLL_SECONDS  # type: ignore[attr-defined]
    return ask
