"""The plugin that supervisord loads through `supervisor.rpcinterface_factory`.

supervisord calls the factories once for each of its HTTP servers, after the programs are known and
before any is spawned, and again after SIGHUP, when it has built everything anew
(facts/supervisors.md B).
"""

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.datatypes import byte_size
from supervisor.options import VERSION
from supervisor.states import RUNNING_STATES, ProcessStates, SupervisorStates

from supervisord import exit_status, hooks, http_channel, program_file
from supervisord.guard import guarded
from supervisord.log.container_log import ContainerLog
from supervisord.log.supervisor_handler import SupervisorHandler
from supervisord.operator import POLL_SECONDS, OperatorInterface
from supervisord.order import Order
from supervisord.pebble.handler import PebbleHandler
from supervisord.pebble.services import Services
from supervisord.program_file import Program, ProgramFileError
from supervisord.restarts import Counts, Restarts
from supervisord.signals import Signals
from supervisord.wakeup import Wakeup, more_children_ended

_log: ContainerLog
_plugin: "Plugin | None" = None


def log_to(log: ContainerLog) -> None:
    """Say where the log goes, before supervisord is started. It outlives a SIGHUP."""
    global _log
    _log = log


def make(
    supervisor: Any,
    log_directory: str | None = None,
    log_maxbytes: str = "10MB",
    log_backups: str = "3",
) -> Any:
    """Make the plugin, unless it is there; return supervisor's own interface, extended by it.

    With `log_directory`, each program has a log file there, rotated as the other two say.
    """
    global _plugin
    if _plugin is None or _plugin.supervisor is not supervisor:
        if _plugin:
            _plugin.abandon()
            # a signal that came meanwhile waits in it
            supervisor.options.signal_receiver = _plugin.supervisor.options.signal_receiver
        directory = Path(log_directory) if log_directory else None
        logs = hooks.LogDirectory(directory, byte_size(log_maxbytes), int(log_backups))
        _plugin = Plugin(supervisor, logs, _log)
    return _plugin.operator


def make_published(supervisor: Any) -> "Published":
    """Return what PID 1 publishes beyond supervisor's own interface."""
    assert _plugin
    return Published(_plugin)


class Published:
    """XML-RPC methods of the namespace `plugin`, named as supervisor names its own."""

    def __init__(self, plugin: "Plugin") -> None:
        self._plugin = plugin

    def getLostLines(self) -> dict[str, float]:
        """Return how many lines of each program the container's log has lost since the start.

        As XML-RPC's double, for its integers end at 2^31.
        """
        return {name: float(lines) for name, lines in self._plugin.log.output.lost.items()}

    def getWanted(self) -> dict[str, bool]:
        """Say of each program whether it should run now: not when it was stopped on request."""
        return {name: self._plugin.wants(name) for name in self._plugin.programs}

    def getRestarts(self) -> dict[str, int]:
        """Return how often each program was started again after a failure, since the start."""
        return {name: counts.restarts for name, counts in self._plugin.counts().items()}

    def getExits(self) -> dict[str, dict[str, int]]:
        """Return how often each program has ended, or failed to start, by the words of EXITS."""
        return {name: counts.exits for name, counts in self._plugin.counts().items()}


class Plugin:
    """Joins the parts to supervisord's loop."""

    def __init__(self, supervisor: Any, logs: hooks.LogDirectory, log: ContainerLog) -> None:
        self.supervisor = supervisor
        self.log = log
        self._logs = logs
        self._take_over_logger()
        self.programs: dict[str, Program] = {}
        self._processes: dict[str, Any] = {}
        self._read: dict[str, Program] = {}  # as they stand in the files, applied or not
        self._read_program_files()
        self._order = Order(self.programs, self._processes, log)
        self._restarts = Restarts(self.programs, self._processes, log)
        self._signals = Signals(log)
        self._services = Services(self.programs, self._processes, self._order, self._running, log)
        self.operator = OperatorInterface(
            supervisor, self.programs, self._order, self._restarts, log, self._read_program_files
        )
        self._wakeup = Wakeup(self._turn)
        log.output.watch(supervisor.options.poller)
        self._pebble = PebbleHandler(self._services, self._healthy, self._wakeup.poke, log)
        hooks.keep_running(supervisor, log)
        hooks.adapt_rereading(supervisor.options, self._adapt_config)
        hooks.check_before_reload(supervisor, self._can_reload)
        hooks.before_cleanup(supervisor.options, self._wakeup.rest)
        for name in supervisor.process_groups:
            self._adopt(name)
        count = f"{len(self.programs)} programs"
        log.info(f"this is supervisord {VERSION} with {count}, UID {os.getuid()}")
        for event_type, callback in (
            (events.ProcessStateEvent, self._restarts.on_state),
            (events.ProcessGroupAddedEvent, lambda event: self._adopt(event.group)),
            (events.ProcessGroupRemovedEvent, lambda _: self._forget()),
            (events.SupervisorRunningEvent, lambda _: self._serve()),
            (events.SupervisorStoppingEvent, lambda _: self._stop()),
            (events.Tick5Event, lambda _: http_channel.close_stalled()),
        ):
            events.subscribe(event_type, guarded(callback, log))
        self._parts = [
            guarded(part, log)
            for part in (
                self._give_up,
                self._restart,
                self._release,
                self._signals.release,
                self._services.advance,
                self._pebble.answer_waiting,
                self._stop_next,
                http_channel.close_excess,
                self._more_to_reap,
                self._wake_in_time,
                log.output.flush,
            )
        ]

    def wants(self, name: str) -> bool:
        """Say whether a program should run now."""
        if self._order.holds(name):
            return True
        process = self._processes[name]
        if self.programs[name].one_shot or not process.laststart:
            return process.state in RUNNING_STATES
        return not process.administrative_stop

    def counts(self) -> dict[str, Counts]:
        """Return how often each program was started again, and ended."""
        return {name: self._restarts.counts(name) for name in self.programs}

    def abandon(self) -> None:
        """Let go of what a SIGHUP has closed."""
        self._wakeup.abandon()
        self.log.forget_files()

    # The loop's turn. Each part says whether it changed something that others should look at.

    def _turn(self) -> None:
        changes = [part() for part in self._parts]
        if any(changes):
            self._wakeup.poke()

    def _give_up(self) -> bool:
        if not self._running() or not exit_status.give_up_if_hopeless(
            self.programs, self._processes, self._restarts, self.log
        ):
            return False
        self.supervisor.options.mood = SupervisorStates.SHUTDOWN
        return True

    def _restart(self) -> bool:
        return self._running() and self._restarts.start_again()

    def _release(self) -> bool:
        return self._running() and self._order.release()

    def _stop_next(self) -> None:
        try:
            self._order.stop_next()
        except Exception:
            # supervisord's own way to stop will do, where ours fails
            self.supervisor.stop_groups = sorted(self.supervisor.process_groups.values())
            raise

    def _more_to_reap(self) -> bool:
        # supervisord handles one signal a turn, too
        return bool(self.supervisor.options.signal_receiver._signals_recvd) or more_children_ended()

    def _wake_in_time(self) -> None:
        """Have the loop turn when supervisord, or a part of ours, has something to do."""
        now = time.time()
        times = [now + 1]
        for process in self._processes.values():
            if process.state == ProcessStates.STARTING:
                times.append(process.laststart + process.config.startsecs)
            elif process.state == ProcessStates.STOPPING or (
                process.state == ProcessStates.BACKOFF and self._running()
            ):
                times.append(process.delay)
        if self._order.looks_at_files or self._services.busy or http_channel.someone_waits():
            times.append(now + POLL_SECONDS)
        self._wakeup.wake_at(min(times))

    # What supervisord tells:

    def _serve(self) -> None:
        for _, server in self.supervisor.options.httpservers:
            server.channel_class = functools.partial(http_channel.Channel, self.log)
            if self._pebble not in server.handlers:
                hooks.adapt_handlers(server, self.log)
                server.install_handler(self._pebble)

    def _stop(self) -> None:
        """Stop everything in our order; supervisord's own, one after another, has nothing to do."""
        self._order.stop(self._processes)
        self.supervisor.stop_groups = []

    def _adopt(self, group: str) -> None:
        """Take over the programs of a group that supervisord has made, at the start or later."""
        for name, process in self.supervisor.process_groups[group].processes.items():
            self._processes[name] = process
            self.programs[name] = self._read[name]
            self._adapt_config(process.config)
            hooks.adapt_process(
                process, self.programs[name], self._restarts, self._signals, self.log
            )
            if self.programs[name].autostart:
                self._order.hold([name])

    def _forget(self) -> None:
        """Forget what `supervisorctl update` has removed."""
        known = {name for g in self.supervisor.process_groups.values() for name in g.processes}
        for name in set(self._processes) - known:
            del self._processes[name], self.programs[name]
            self._order.drop(name)

    def _adapt_config(self, config: Any) -> None:
        hooks.adapt_config(config, self._read[config.name], self.log, self._logs)

    def _read_program_files(self) -> Callable[[], None]:
        """Read our own keys anew; return what applies them to the programs that are there.

        Raises ProgramFileError.
        """
        self._read = program_file.read_all(Path(self.supervisor.options.configfile))
        return lambda: self.programs.update(
            {name: self._read[name] for name in self.programs if name in self._read}
        )

    def _can_reload(self) -> bool:
        """Say whether the files can be used: after a SIGHUP it would be too late to find out."""
        try:
            self._read_program_files()
            self.supervisor.options.process_config(do_usage=False)
        except (ProgramFileError, ValueError) as error:
            self.log.say("ERROR", f"cannot start everything anew, going on as before: {error}")
            return False
        return True

    def _take_over_logger(self) -> None:
        options = self.supervisor.options
        options.logger.handlers.append(SupervisorHandler(self.log))
        if self._logs.path:
            own = self._logs.path / "supervisord.log"
            self.log.use_file(own, self._logs.max_bytes, self._logs.backups)
            options.logfile = str(own)  # for `supervisorctl maintail`
        for message in options.parse_warnings + options.parse_criticals:
            self.log.warn(message)

    def _running(self) -> bool:
        """Say whether supervisord is neither stopping nor about to."""
        return bool(self.supervisor.options.mood == SupervisorStates.RUNNING)

    def _healthy(self, names: list[str]) -> bool:
        """Say whether these programs or services, or the essential ones, are as they should be."""
        return all(
            self._order.is_up(program.name)
            for program in self.programs.values()
            if (names and {program.name, program.pebble} & set(names))
            or (not names and program.essential)
        )
