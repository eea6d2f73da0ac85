"""Order: nothing is spawned before what it needs is there."""

import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from supervisor.states import ProcessStates

from supervisord.program_file import Program


class Order:
    """Holds every program back that would start by itself, and starts it when its needs are met.

    A program is released once: what happens to it later is up to supervisord, MAAS and the
    operator.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        processes: Mapping[str, Any],
        log: Callable[[str], None],
    ) -> None:
        self._programs = programs
        self._processes = processes
        self._log = log
        self._held = {name: programs[name] for name in processes if programs[name].autostart}
        for process in processes.values():
            process.config.autostart = False

    def release(self) -> bool:
        """Start what has all it needs; say whether anything was started."""
        started = False
        for name, program in list(self._held.items()):
            process = self._processes[name]
            if process.laststart:  # somebody asked for it before its turn came
                del self._held[name]
            elif all(self._met(need) for need in program.needs):
                del self._held[name]
                if program.configuration and not program.configuration.exists():
                    self._log(f"{name} waits to be asked for: there is no {program.configuration}")
                    continue
                self._log(f"PID 1 starts {name}")
                process.spawn()
                started = True
        return started

    def _met(self, need: str) -> bool:
        if need.startswith("/"):
            return ready(Path(need))
        process = self._processes[need]
        if self._programs[need].one_shot:
            return bool(process.state == ProcessStates.EXITED and process.exitstatus == 0)
        return bool(process.state == ProcessStates.RUNNING)


def ready(path: Path) -> bool:
    """Say whether a file exists or, if it is a socket, whether it accepts."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return True
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)  # a full backlog is an answer too: BlockingIOError
            client.connect(str(path))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
