"""Giving up: which failures end the container, and the exit status that says why."""

from collections.abc import Mapping
from typing import Any

from supervisor.states import ProcessStates

from supervisord.log.container_log import ContainerLog
from supervisord.program_file import Program
from supervisord.restarts import REMEMBERED_FAILURES, Restarts

CANNOT_WRITE = 73
GIVEN_UP = 75
CONFIGURATION = 78

# What init ends with for a reason of its own; any other status is a bug in init or a signal.
INIT_REASONS = frozenset({65, 69, 70, CANNOT_WRITE, 77, CONFIGURATION})
# An essential program is given up when it has failed REMEMBERED_FAILURES times within that long.
FAILING_SECONDS = 300.0

_chosen = 0


def chosen() -> int:
    """Return the status that the container ends with: 0 unless something was given up."""
    return _chosen


def give_up_if_hopeless(
    programs: Mapping[str, Program],
    processes: Mapping[str, Any],
    restarts: Restarts,
    log: ContainerLog,
) -> bool:
    """Choose the exit status when an essential program has failed for good; say whether it did."""
    global _chosen
    for name, program in programs.items():
        if not program.essential:
            continue
        process = processes[name]
        history = restarts.history(name)
        if program.one_shot and process.state == ProcessStates.EXITED and process.exitstatus != 0:
            status = process.exitstatus
            _chosen = status if status in INIT_REASONS else GIVEN_UP
            failed = "has failed"
        elif (
            len(history.times) == REMEMBERED_FAILURES
            and history.times[-1] - history.times[0] <= FAILING_SECONDS
            and process.state in (ProcessStates.BACKOFF, ProcessStates.EXITED)
        ):
            _chosen = GIVEN_UP
            failed = (
                f"has failed {REMEMBERED_FAILURES} times within"
                f" {history.times[-1] - history.times[0]:.0f} s"
            )
        else:
            continue
        log.warn(
            f"{name} {failed}: {history.reason}. Without it nothing works: stopping everything,"
            f" exit status {_chosen}"
        )
        return True
    return False
