"""Makes the faults of a round, each in a thread of its own."""

import time
from concurrent.futures import ThreadPoolExecutor

from chaos.faults import FAULTS
from chaos.plan import Injection, Round
from chaos.stack import Stack


class Failed(Exception):
    """A fault could not be made or ended."""


def inject(stack: Stack, each: Round) -> None:
    """Make the faults of a round, and wait until all have ended. Raises Failed.

    After an interruption, too: none may go on once the stack is being removed.
    """

    def make(injection: Injection) -> str:
        fault = FAULTS[injection.name]
        try:
            time.sleep(injection.wait)
            fault.begin(stack, injection.arguments, injection.lasts)
            time.sleep(injection.lasts)
            fault.end(stack, injection.arguments)
        except Exception as error:
            return f"{injection}: {error!r}"
        return ""

    with ThreadPoolExecutor(len(each.injections)) as pool:
        failures = list(filter(None, pool.map(make, each.injections)))
    if failures:
        raise Failed("; ".join(failures))
