"""Runs MAAS's own commands as an unprivileged user.

`maas-region` refuses any UID but 0; the same commands run as Django's (facts/maas-region-run.md 3).
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable

import settings

PYTHON = "python3"  # the system's, which has MAAS: not the one that runs this


class CommandFailed(Exception):
    """A command ended with another status than 0, or not in time; says so, with its last line."""

    def __init__(self, what: str, output: list[str]) -> None:
        last = next((line.strip() for line in reversed(output) if line.strip()), "no output")
        super().__init__(f"{what}: {last}")


def django(command: str, *arguments: str) -> list[str]:
    """Return the command line of one of MAAS's Django commands."""
    return [PYTHON, "-m", "django", command, *arguments]


def environment() -> dict[str, str]:
    """Return this process's environment without the secrets, for a child."""
    return {k: v for k, v in os.environ.items() if k not in settings.secret_names()}


def run(
    command: list[str],
    *,
    timeout: float,
    stdin: str = "",
    on_line: Callable[[str], None] = lambda line: None,
    hide: str = "",
) -> str:
    """Run a command to its end, hand its output to `on_line` line by line, return the output.

    `timeout` is in seconds. A command that asks for a password must get all its answers in `stdin`:
    some of MAAS's loop for ever at its end. `hide` is a secret that the output must not show:
    dbupgrade hands the database password on in a command line, which an error of its own may quote.
    Raises CommandFailed.
    """
    lines: list[str] = []
    timed_out = threading.Event()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        umask=0o007,
    )

    def end() -> None:
        timed_out.set()
        process.kill()

    timer = threading.Timer(timeout, end)
    timer.start()
    try:
        with process:
            assert process.stdin
            assert process.stdout
            with contextlib.suppress(BrokenPipeError):  # it ended, and says why itself
                process.stdin.write(stdin)
                process.stdin.close()
            for line in process.stdout:
                line = line.rstrip("\n")
                lines.append(line.replace(hide, "***") if hide else line)
                on_line(lines[-1])
    finally:
        timer.cancel()
        process.kill()
    name = command[3] if command[:3] == django("")[:3] else command[0]
    if timed_out.is_set():
        raise CommandFailed(f"{name} did not end within {timeout:.0f} s", lines)
    if process.returncode < 0:
        reason = signal.Signals(-process.returncode).name
        raise CommandFailed(f"{name} was ended by {reason}", lines)
    if process.returncode:
        raise CommandFailed(f"{name} ended with status {process.returncode}", lines)
    return "\n".join(lines)
