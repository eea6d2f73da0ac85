"""Keeps secrets out of the environment that children inherit.

supervisord hands its whole environment to every child, so the secrets are taken out of it before
anything starts, and a program gets those that its file names. All programs run under one UID: this
limits accidents, not an intruder who can read another process's memory.
"""

from collections.abc import Iterable, MutableMapping
from fnmatch import fnmatchcase

_taken: dict[str, str] = {}


def take(environ: MutableMapping[str, str], names: Iterable[str]) -> None:
    """Move the named variables out of `environ`."""
    for name in names:
        if name in environ:
            _taken[name] = environ.pop(name)


def given(patterns: Iterable[str]) -> dict[str, str]:
    """Return those variables that were taken and match, for a program that may have them."""
    patterns = tuple(patterns)
    return {
        name: value
        for name, value in _taken.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
