"""Keeps secrets out of the environment that children inherit.

supervisord hands its whole environment to every child, so the secrets are taken out of it before
anything starts, and a program gets those that its file names. All programs run under one UID: this
limits accidents, not an intruder who can read another process's memory.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from supervisord.program_file import Program

_taken: dict[str, str] = {}


def take(environ: MutableMapping[str, str], names: Iterable[str]) -> None:
    """Move the named variables out of `environ`."""
    for name in names:
        if name in environ:
            _taken[name] = environ.pop(name)


def hand_out(programs: Mapping[str, Program], processes: Mapping[str, Any]) -> None:
    """Give each process the secrets that its program file names."""
    for name, process in processes.items():
        given = {secret: _taken[secret] for secret in programs[name].secrets if secret in _taken}
        process.config.environment = {**(process.config.environment or {}), **given}
