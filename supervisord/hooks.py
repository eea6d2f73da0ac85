"""Everything that the plugin replaces on supervisor's own objects, and nothing else.

It replaces methods of single objects, which exist since supervisor 3 and are its seams for FastCGI
programs and tests; the version is pinned (facts/supervisors.md B).
"""

import contextlib
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.datatypes import Automatic
from supervisor.dispatchers import PInputDispatcher
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.medusa.default_handler import default_handler
from supervisor.states import SupervisorStates
from supervisor.web import supervisor_ui_handler
from supervisor.xmlrpc import Faults, RPCError, supervisor_xmlrpc_handler

from supervisord import rlimits, secrets
from supervisord.guard import guarded
from supervisord.log.container_log import ContainerLog
from supervisord.log.file import LogFile
from supervisord.log.stream import Stream
from supervisord.program_file import Program
from supervisord.restarts import Restarts
from supervisord.signals import Signals

# More than any number of restarts: restarts.py has its own idea of giving up.
_ENDLESS = 2**31 - 1
# Of the loop's own in a minute.
_MOST_ERRORS = 100


@dataclass(frozen=True)
class LogDirectory:
    """Where programs have their log files, unless they name one; none without a directory."""

    path: Path | None
    max_bytes: int
    backups: int


def adapt_config(config: Any, program: Program, log: ContainerLog, directory: LogDirectory) -> None:
    """Change a program's configuration; twice is once, for `reread` compares configurations."""
    config.autostart = False  # order.py starts it
    config.startretries = _ENDLESS
    if not hasattr(config, "restart_when"):
        config.restart_when = config.autorestart  # restarts.py starts it again
        config.autorestart = False
    given = secrets.given(program.secrets)
    config.environment = {**(config.environment or {}), **given}
    for channel in ("stdout", "stderr"):
        _adapt_log_file(config, channel, directory)
    config.make_dispatchers = lambda process: _make_dispatchers(config, process, log)


def adapt_process(
    process: Any, program: Program, restarts: Restarts, signals: Signals, log: ContainerLog
) -> None:
    """Change what a process does when it is spawned, signalled and reaped."""
    spawn, finish, send = process.spawn, process.finish, process.signal
    prepare = process._prepare_child_fds

    def note_end(wait_status: int) -> None:
        last_line = b""
        for stream in process.dispatchers.values():
            if isinstance(stream, Stream):
                stream.finish()
                last_line = stream.last_line or last_line
        restarts.note_end(process.config.name, wait_status, last_line)

    note_end_safely = guarded(note_end, log)

    def finish_with_last_words(pid: int, wait_status: int) -> None:
        note_end_safely(wait_status)
        finish(pid, wait_status)
        if process.config.killasgroup:
            _kill_group(pid)

    def prepare_child() -> None:
        prepare()
        rlimits.apply(program.rlimits)

    def spawn_or_forget() -> Any:
        pid = spawn()
        if not process.pid:  # its pipes are closed, and their numbers may be others' soon
            process.dispatchers, process.pipes = {}, {}
        return pid

    process.spawn = spawn_or_forget
    process.finish = finish_with_last_words
    process.signal = lambda number: signals.send(process, number, send)
    process._prepare_child_fds = prepare_child


def adapt_rereading(options: Any, adapt: Callable[[Any], None]) -> None:
    """Adapt configurations that `supervisorctl reread` reads, before they are compared."""
    process_config = options.process_config

    def process_config_and_adapt(do_usage: bool = True) -> None:
        logfile = options.logfile  # the plugin's, not the configuration's
        process_config(do_usage=do_usage)
        options.logfile = logfile
        for group in options.process_group_configs:
            for config in group.process_configs:
                adapt(config)

    options.process_config = process_config_and_adapt


def _kill_group(pid: int) -> None:
    """End what a program has left of its process group, as nginx its workers when it is killed.

    They would hold its ports, and what is started in its place could not have them.
    """
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def check_before_reload(supervisor: Any, may_reload: Callable[[], bool]) -> None:
    """Take a SIGHUP back, before it stops anything, when the files are not fit for it."""
    handle_signal = supervisor.handle_signal

    def handle_signal_and_check() -> None:
        handle_signal()
        options = supervisor.options
        asked = options.mood == SupervisorStates.RESTARTING and not supervisor.stopping
        if asked and not may_reload():
            options.mood = SupervisorStates.RUNNING

    supervisor.handle_signal = handle_signal_and_check


def before_cleanup(options: Any, callback: Callable[[], None]) -> None:
    """Call this at the end of a life of supervisord's, before it closes anything."""
    cleanup = options.cleanup

    def cleanup_after_callback() -> None:
        callback()
        cleanup()

    options.cleanup = cleanup_after_callback


def keep_running(supervisor: Any, log: ContainerLog) -> None:
    """Go on after an exception that leaves supervisord's loop, as long as there are not many."""
    stock_runforever = supervisor.runforever

    def runforever() -> None:
        errors: deque[float] = deque(maxlen=_MOST_ERRORS)
        while True:
            try:
                stock_runforever()
            except asyncore.ExitNow:
                raise
            except Exception:
                errors.append(time.monotonic())
                if len(errors) == _MOST_ERRORS and errors[-1] - errors[0] < 60:
                    raise
                log.say("ERROR", f"cannot finish a turn, going on:\n{traceback.format_exc()}")
                time.sleep(0.1)

    supervisor.runforever = runforever


def _make_dispatchers(config: Any, process: Any, log: ContainerLog) -> tuple[dict[int, Any], Any]:
    """Do as ProcessConfig.make_dispatchers, with streams that know lines."""
    pipes = config.options.make_pipes(not config.redirect_stderr)
    dispatchers: dict[int, Any] = {}
    for channel in ("stdout", "stderr"):
        if pipes[channel] is not None:
            file = _log_file(config, channel, log)
            dispatchers[pipes[channel]] = Stream(process, channel, pipes[channel], log, file)
    dispatchers[pipes["stdin"]] = PInputDispatcher(process, "stdin", pipes["stdin"])
    return dispatchers, pipes


def _adapt_log_file(config: Any, channel: str, directory: LogDirectory) -> None:
    """Replace supervisor's file of a random name (AUTO, the default) by one of our own."""
    path = getattr(config, f"{channel}_logfile")
    if path is not Automatic:
        if not path or f"---{config.options.identifier}-" not in path:
            return
        Path(path).unlink(missing_ok=True)
    ours = directory.path and str(directory.path / f"{config.name}.log")
    setattr(config, f"{channel}_logfile", ours)
    setattr(config, f"{channel}_logfile_maxbytes", directory.max_bytes)
    setattr(config, f"{channel}_logfile_backups", directory.backups)


def _log_file(config: Any, channel: str, log: ContainerLog) -> LogFile | None:
    path = getattr(config, f"{channel}_logfile")
    if not path or path.startswith("/dev/"):  # the container's log has everything
        return None
    max_bytes = getattr(config, f"{channel}_logfile_maxbytes")
    return log.file(Path(path), max_bytes, getattr(config, f"{channel}_logfile_backups"))


def adapt_handlers(server: Any, log: ContainerLog) -> None:
    """Take away supervisor's web interface, and have arguments of wrong types refused.

    supervisor refuses a wrong number of them, and takes these for a mistake of its own.
    """
    web = (supervisor_ui_handler, default_handler)
    server.handlers = [handler for handler in server.handlers if not isinstance(handler, web)]
    for handler in server.handlers:
        if isinstance(handler, supervisor_xmlrpc_handler):
            handler.call = _refusing(handler.call, log)


def _refusing(call: Callable[..., Any], log: ContainerLog) -> Callable[..., Any]:
    def refusing(method: str, params: tuple[Any, ...]) -> Any:
        try:
            return call(method, params)
        except (AttributeError, ValueError, LookupError, ArithmeticError) as error:
            log.info(f"refused a call of {method!r}: {error!r}")
            raise RPCError(Faults.INCORRECT_PARAMETERS) from None

    return refusing
