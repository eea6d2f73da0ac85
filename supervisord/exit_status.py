"""Giving up: which failures end the container, and the exit status that says why."""

from collections.abc import Callable, Mapping
from typing import Any

from supervisor.states import ProcessStates, SupervisorStates

from supervisord.program_file import Program

CANNOT_WRITE = 73
GIVEN_UP = 75
CONFIGURATION = 78

# What init ends with for a reason of its own; any other status is a bug in init or a signal.
INIT_REASONS = frozenset({65, 69, 70, CANNOT_WRITE, 77, CONFIGURATION})

_chosen = 0


def chosen() -> int:
    """Return the status that the container ends with: 0 unless something was given up."""
    return _chosen


def give_up_if_hopeless(
    supervisor: Any,
    programs: Mapping[str, Program],
    processes: Mapping[str, Any],
    log: Callable[[str], None],
) -> bool:
    """Begin an orderly stop when an essential program has failed for good; say whether it did."""
    global _chosen
    for name, process in processes.items():
        program = programs[name]
        if not program.essential or not _failed(program, process):
            continue
        status = process.exitstatus
        _chosen = status if program.one_shot and status in INIT_REASONS else GIVEN_UP
        log(f"{name} has failed: stopping everything, exit status {_chosen}")
        supervisor.options.mood = SupervisorStates.SHUTDOWN
        return True
    return False


def _failed(program: Program, process: Any) -> bool:
    if program.one_shot:
        return bool(
            process.state == ProcessStates.FATAL
            or (process.state == ProcessStates.EXITED and process.exitstatus != 0)
        )
    return bool(process.state == ProcessStates.FATAL)
