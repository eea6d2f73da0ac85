"""Does one thing to many files: what fails for one is reported, and does not stop the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

log = logging.getLogger("housekeeping")
Item = TypeVar("Item")


def each(items: Iterable[Item], action: Callable[[Item], None]) -> int:
    """Carry out an action for each item; return for how many it went well."""
    done = 0
    for item in items:
        try:
            action(item)
        except OSError as error:
            log.warning("cannot tidy %s: %s", item, error.strerror)
        else:
            done += 1
    return done
