"""Waiting for something to come true."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], seconds: float = 15) -> None:
    """Ask again and again; who does not listen yet (OSError) has not answered yet.

    A question that takes long is asked less often: tests that run side by side ask many.
    """
    deadline = time.monotonic() + seconds
    while (asked := time.monotonic()) < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(min(0.5, max(0.1, time.monotonic() - asked)))
    raise AssertionError(f"it did not come true within {seconds:.0f} s")
