"""Runs MAAS's own commands, and PostgreSQL's, as an unprivileged user.

`maas-region` refuses any UID but 0; the same commands run as Django's (facts/maas-region-run.md 3).
"""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping

import settings

PYTHON = "python3"  # the system's, which has MAAS: not the one that runs this
# Ends the command when we are ended, however that was: what goes on without us would meet our
# successor in the database.
TOGETHER = ("setpriv", "--pdeathsig", "KILL", "--")
TICK_SECONDS = 1.0
LINES_KEPT = 200
LONGEST_LINE = 65536


# An exception's, or a program's, own words: what follows it is only detail.
REASON = re.compile(r"(?![A-Z]+:)[A-Za-z_][\w.-]*: \S")


class CommandFailed(Exception):
    """A command ended with another status than 0, or not in time; says so, with its reason."""

    def __init__(self, what: str, output: deque[str]) -> None:
        said = [line.strip() for line in output if line.strip()]
        reasons = [line for line in said if REASON.match(line)]
        last = (reasons or said or ["no output"])[-1]
        super().__init__(f"{what}: {last.rstrip('.')}")


def django(command: str, *arguments: str) -> list[str]:
    """Return the command line of one of MAAS's Django commands."""
    return [PYTHON, "-m", "django", command, *arguments]


def environment() -> dict[str, str]:
    """Return this process's environment without the secrets, for a child."""
    secrets = settings.secret_variables(os.environ)
    return {k: v for k, v in os.environ.items() if k not in secrets}


def run(
    command: list[str],
    *,
    timeout: float,
    stdin: str = "",
    on_line: Callable[[str], None] = lambda line: None,
    on_tick: Callable[[], object] = lambda: None,
    hide: str = "",
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end, hand its output to `on_line` line by line, return the end of it.

    `timeout` is in seconds. A command that asks for a password must get all its answers in `stdin`:
    some of MAAS's loop for ever at its end. `on_tick` is called every second; an exception in it
    ends the command. `hide` is a secret that the output must not show: dbupgrade hands the database
    password on in a command line, which an error of its own may quote. `variables` are added to
    the environment. Raises CommandFailed.
    """
    lines: deque[str] = deque(maxlen=LINES_KEPT)
    process = subprocess.Popen(
        [*TOGETHER, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment() | {"PYTHONUNBUFFERED": "1"} | dict(variables or {}),
        umask=0o007,
        start_new_session=True,  # a terminal of ours would be asked for passwords, not `stdin`
    )

    def take(line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r\n")
        lines.append(text.replace(hide, "***") if hide else text)
        on_line(lines[-1])

    deadline = time.monotonic() + timeout
    ended = False
    with process:
        try:
            assert process.stdin
            with contextlib.suppress(BrokenPipeError):  # it ended, and says why itself
                process.stdin.write(stdin.encode())
                process.stdin.close()
            if _pass_lines_on(process, take, on_tick, deadline):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(TICK_SECONDS, deadline - time.monotonic()))
                    ended = True
        finally:
            if not ended:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    name = command[3] if command[:3] == django("")[:3] else command[0]
    if not ended:
        raise CommandFailed(f"{name} did not end within {timeout:.0f} s", lines)
    if process.returncode < 0:
        reason = signal.Signals(-process.returncode).name
        raise CommandFailed(f"{name} was ended by {reason}", lines)
    if process.returncode:
        raise CommandFailed(f"{name} ended with status {process.returncode}", lines)
    return "\n".join(lines)


def _pass_lines_on(
    process: subprocess.Popen[bytes],
    take: Callable[[bytes], None],
    on_tick: Callable[[], object],
    deadline: float,
) -> bool:
    """Hand every line to `take` until the output ends; say whether it did before the deadline.

    It ends with the process, too, where a child of it keeps it open.
    """
    assert process.stdout
    output = process.stdout.fileno()
    tick_at = time.monotonic() + TICK_SECONDS
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (now := time.monotonic()) < deadline:
            if now >= tick_at:
                on_tick()
                tick_at = now + TICK_SECONDS
            if not selector.select(max(0.0, min(tick_at, deadline) - now)):
                if process.poll() is not None:
                    return True
                continue
            chunk = os.read(output, LONGEST_LINE)
            *complete, rest = (rest + chunk).split(b"\n")
            for line in complete:
                take(line)
            if not chunk or len(rest) >= LONGEST_LINE:
                if rest:
                    take(rest)
                rest = b""
            if not chunk:
                return True
    return False
