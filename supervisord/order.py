"""Order: nothing is started before what it needs is there, nor stopped before what needs it."""

import socket
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from supervisor.states import STOPPED_STATES, ProcessStates

from supervisord.log.container_log import ContainerLog
from supervisord.program_file import Program

# Of the shipped programs; supervisor's own default, 999, is no less.
USUAL_PRIORITY = 500


class Order:
    """Holds programs back until their needs are met, and stops several in the reverse order.

    `programs` and `processes` are looked at anew in each turn: they change with `supervisorctl
    update`.
    """

    def __init__(
        self, programs: Mapping[str, Program], processes: Mapping[str, Any], log: ContainerLog
    ) -> None:
        self._programs = programs
        self._processes = processes
        self._log = log
        self._held: dict[str, None] = {}  # a set that keeps its order
        self._stopping: set[str] = set()

    def hold(self, names: Iterable[str]) -> None:
        """Start these as soon as their needs are met."""
        self._held.update(dict.fromkeys(names))

    def holds(self, name: str) -> bool:
        """Say whether a program waits for its needs."""
        return name in self._held

    def drop(self, name: str) -> None:
        """Do not start a program any more when its needs are met."""
        self._held.pop(name, None)

    def missing(self, name: str, files: bool = True) -> str | None:
        """Return the first need of a program that is not met, of programs only without `files`."""
        for need in self._programs[name].needs:
            if (files or not need.startswith("/")) and not self._met(need):
                return need
        return None

    def is_up(self, name: str) -> bool:
        """Say whether a program runs or, if it is a one-shot, has ended well."""
        process = self._processes[name]
        if self._programs[name].one_shot:
            return bool(process.state == ProcessStates.EXITED and process.exitstatus == 0)
        return bool(process.state == ProcessStates.RUNNING)

    def serves(self, name: str) -> bool:
        """Say whether something runs that needs this one-shot to have ended well."""
        return self._programs[name].one_shot and any(
            name in program.needs and self._processes[program.name].state not in STOPPED_STATES
            for program in self._programs.values()
        )

    @property
    def looks_at_files(self) -> bool:
        """Whether something waits for a file or socket, of which nobody tells when it comes."""
        return any(
            need.startswith("/") for name in self._held for need in self._programs[name].needs
        )

    def release(self) -> bool:
        """Start what has all it needs; say whether anything was started."""
        started = False
        for name in sorted(self._held, key=self._turn):
            process = self._processes[name]
            if process.state not in STOPPED_STATES:  # somebody asked for it before its turn came
                self.drop(name)
            elif self.missing(name) is None:
                configuration = self._programs[name].configuration
                if configuration and not configuration.exists():
                    self._log.info(f"{name} waits to be asked for: there is no {configuration}")
                else:
                    process.spawn()
                    started = True
                self.drop(name)
        return started

    def stop(self, names: Iterable[str]) -> None:
        """Begin to stop these: of higher `priority=` first, and never before what needs them."""
        self._stopping.update(names)
        for name in self._stopping:
            self.drop(name)
            if self._processes[name].state == ProcessStates.BACKOFF:
                self._processes[name].stop()  # or it would be started meanwhile

    def stop_next(self) -> None:
        """Signal those whose turn it is; what is independent stops side by side."""
        running = {
            name
            for name in self._stopping
            if name in self._processes and self._processes[name].state not in STOPPED_STATES
        }
        self._stopping = running
        if not running:
            return
        free = running - self._needed_by(running)
        highest = max(self._priority(name) for name in free)
        for name in free:
            process = self._processes[name]
            if self._priority(name) == highest and process.state != ProcessStates.STOPPING:
                process.stop()

    def _needed_by(self, names: Iterable[str]) -> set[str]:
        """Return what these need, and what that needs in turn."""
        needed: set[str] = set()
        rest = list(names)
        while rest:
            for need in self._programs[rest.pop()].needs:
                if need in self._programs and need not in needed:
                    needed.add(need)
                    rest.append(need)
        return needed

    def _turn(self, name: str) -> tuple[bool, bool]:
        """Return what sorts a start: what stops late, as the log does, then the essential.

        MAAS itself takes the longest to start, and each fork before it makes that longer.
        """
        return self._priority(name) >= USUAL_PRIORITY, not self._programs[name].essential

    def _priority(self, name: str) -> int:
        return int(self._processes[name].config.priority)

    def _met(self, need: str) -> bool:
        if need.startswith("/"):
            return ready(Path(need))
        if need in self._held or need not in self._processes:  # or it was read, but not applied
            return False
        return self.is_up(need)


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
