"""Makes the faults of a round, each in a thread of its own."""

import threading
import time

from chaos.faults import FAULTS
from chaos.plan import Injection, Round
from chaos.stack import Stack


class Failed(Exception):
    """A fault could not be made or ended."""


def inject(stack: Stack, each: Round) -> None:
    """Make the faults of a round, and wait until all have ended. Raises Failed."""
    failures: list[str] = []

    def make(injection: Injection) -> None:
        fault = FAULTS[injection.name]
        try:
            time.sleep(injection.wait)
            fault.begin(stack, injection.arguments, injection.lasts)
            time.sleep(injection.lasts)
            fault.end(stack, injection.arguments)
        except Exception as error:
            failures.append(f"{injection}: {error!r}")

    threads = [threading.Thread(target=make, args=(injection,)) for injection in each.injections]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:  # after an interruption, too: none may go on once the stack is being removed
        for thread in threads:
            thread.join()
    if failures:
        raise Failed("; ".join(failures))
