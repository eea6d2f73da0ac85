"""Keeps secrets out of the environment that children inherit.

supervisord hands its whole environment to every child, so the secrets are taken out of it before
anything starts, and a program gets those that its file names. All programs run under one UID: this
limits accidents, not an intruder who can read another process's memory.
"""

from collections.abc import Iterable, MutableMapping

_taken: dict[str, str] = {}


def take(environ: MutableMapping[str, str], names: Iterable[str]) -> None:
    """Move the named variables out of `environ`."""
    for name in names:
        if name in environ:
            _taken[name] = environ.pop(name)


def given(names: Iterable[str]) -> dict[str, str]:
    """Return those of the named variables that were taken, for a program that may have them."""
    return {name: _taken[name] for name in names if name in _taken}
