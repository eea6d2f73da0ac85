"""What stock supervisord itself logs, passed on to the container's log."""

from typing import Any

from supervisor.loggers import LevelsByName

from supervisord.guard import guarded
from supervisord.log.container_log import ContainerLog

# What stock supervisord says, and nobody misses: PID 1 says it in its own words, or it is nothing.
_NOT_PASSED_ON = (
    "Included extra file",
    "RPC interface ",
    "exited: ",
    "gave up: ",
    "reaped unknown pid ",  # orphans, of which MAAS leaves many
    "spawned: ",
    "spawnerr: ",
    "stopped: ",
    "success: ",
    "supervisord started with pid",
)
# Nobody but this UID can open its sockets.
_NO_AUTHENTICATION = "without any HTTP authentication checking"


class SupervisorHandler:
    """Takes what stock supervisord logs (a handler of supervisor.loggers)."""

    level = LevelsByName.INFO

    def __init__(self, log: ContainerLog) -> None:
        self._log = log
        self._emit = guarded(self._pass_on, log)

    def emit(self, record: Any) -> None:
        """Pass a record on, unless it is one of those that say nothing."""
        self._emit(record)

    def _pass_on(self, record: Any) -> None:
        message = record.asdict()["message"].rstrip()
        if message.startswith(_NOT_PASSED_ON) or _NO_AUTHENTICATION in message:
            return
        level = "INFO" if record.level < LevelsByName.WARN else "WARN"
        self._log.say(level if record.level < LevelsByName.ERRO else "ERROR", message)

    def close(self) -> None:
        """Nothing to close: the log outlives supervisord's SIGHUP."""

    def reopen(self) -> None:
        """Open PID 1's own file anew."""
        self._log.reopen()
