"""The plugin that supervisord loads through `supervisor.rpcinterface_factory`.

supervisord calls the factory once for each of its HTTP servers, after the programs are known and
before any is spawned, and again after SIGHUP, when it has built everything anew
(facts/supervisors.md B).
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from supervisord import exit_status, program_file, secrets
from supervisord.order import Order
from supervisord.pebble.handler import PebbleHandler
from supervisord.pebble.services import Services
from supervisord.wakeup import Wakeup

_plugin: "Plugin | None" = None


def make(supervisor: Any) -> "Plugin":
    """Make the plugin for this supervisord, or return the one it has already."""
    global _plugin
    if _plugin is None or _plugin.supervisor is not supervisor:
        if _plugin:
            _plugin.wakeup.abandon()
        _plugin = Plugin(supervisor)
    return _plugin


class Plugin:
    """Joins the parts to supervisord's loop."""

    def __init__(self, supervisor: Any) -> None:
        self.supervisor = supervisor
        _silence_authentication_warning(supervisor.options.logger)
        log = supervisor.options.logger.info
        programs = program_file.read_all(Path(supervisor.options.configfile))
        processes = {
            name: process
            for group in supervisor.process_groups.values()
            for name, process in group.processes.items()
        }
        secrets.hand_out(programs, processes)
        self._order = Order(programs, processes, log)
        self._services = Services(
            {p.pebble: processes[p.name] for p in programs.values() if p.pebble},
            {p.pebble: p.configuration for p in programs.values() if p.pebble and p.configuration},
            accepts_starts=self._running,
            log=log,
        )
        self._give_up: Callable[[], bool] = lambda: exit_status.give_up_if_hopeless(
            supervisor, programs, processes, supervisor.options.logger.warn
        )
        self.wakeup = Wakeup(self._turn)
        events.subscribe(events.SupervisorRunningEvent, self._serve_pebble)

    def _running(self) -> bool:
        """Say whether supervisord is neither stopping nor about to."""
        return bool(self.supervisor.options.mood == SupervisorStates.RUNNING)

    def _nothing_to_stop(self) -> bool:
        """Say whether supervisord is stopping, and its next group has nothing that runs.

        It gives each group a turn of its loop, which without events lasts a second.
        """
        groups = self.supervisor.stop_groups
        return bool(groups and not groups[-1].get_unstopped_processes())

    def _turn(self) -> None:
        # Unguarded, an exception here would end PID 1.
        try:
            changed = self._running() and (self._give_up() or self._order.release())
            if changed or self._services.advance() or self._nothing_to_stop():
                self.wakeup.poke()
        except Exception:
            self.supervisor.options.logger.critical(traceback.format_exc())

    def _serve_pebble(self, _event: Any) -> None:
        handler = PebbleHandler(self._services, self.wakeup.poke)
        for _, server in self.supervisor.options.httpservers:
            server.install_handler(handler)


def _silence_authentication_warning(logger: Any) -> None:
    """Drop supervisord's CRIT line about its sockets: only this UID can open them."""
    critical = logger.critical

    def filtered(message: str, **keywords: Any) -> None:
        if "without any HTTP authentication checking" not in message:
            critical(message, **keywords)

    logger.critical = filtered
