"""Keeps an exception in one of the plugin's parts from ending PID 1.

supervisord's events and its loop have no try of their own (facts/supervisors.md B). What failed is
tried again at the next turn, so that nothing is silently left undone.
"""

import time
import traceback
from collections.abc import Callable
from typing import Any

from supervisord.log.container_log import ContainerLog

REPEAT_SECONDS = 60.0
_MOST_REMEMBERED = 100


def guarded(function: Callable[..., Any], log: ContainerLog) -> Callable[..., Any]:
    """Return the function, returning None instead of raising; the log says why, once a minute."""
    said: dict[str, float] = {}

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception:
            trace = traceback.format_exc()
            now = time.monotonic()
            if now - said.get(trace, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                if len(said) >= _MOST_REMEMBERED:
                    said.clear()
                said[trace] = now
                name = getattr(function, "__qualname__", repr(function))
                log.say("ERROR", f"cannot finish {name}, going on without it:\n{trace}")
            return None

    return call
