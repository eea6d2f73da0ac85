"""All tests, in sessions of pytest: three side by side, then three rows of them.

The tests of supervisord mostly wait, and some measure time: beside them is one session only that
works. That builds the image, alone, for all others. Of the other image tests those with a stack
mostly wait, those of maas-init beside it mostly work. Tests that share names of containers or
networks share a session. What one session says is never mixed with what another says: one is shown
as it runs, those beside it when all have ended.
"""

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

IMAGE = "tests/image/test_image.py"
INTEGRATION = sorted(map(str, Path("tests/integration").glob("test_*.py")))
FIRST = (*INTEGRATION[::2], "-m", "supervisord")
BESIDE_FIRST = (
    (*INTEGRATION[1::2], "-m", "supervisord"),
    ("tests/unit", "tests/fuzz", "tests/integration", IMAGE, "-m", "not supervisord"),
)
OTHERS = ("tests/image", f"--ignore={IMAGE}", "-m")
SHOWN = (*OTHERS, "not beside and not own_stack and not chaos")
# One row begins with what is shown, and goes on with what would make another one too long.
AFTER = (*OTHERS, "chaos")
BESIDE = ((*OTHERS, "beside"), (*OTHERS, "own_stack"))

interrupted = False


def interrupt(*_: object) -> None:
    global interrupted
    interrupted = True


class Session:
    def __init__(self, arguments: tuple[str, ...], output: IO[bytes] | None = None) -> None:
        self.name = f"pytest {shlex.join(arguments)}"
        # A process group of its own: SIGINT must reach it once, as a second one would stop it while
        # it removes what it has made.
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pytest", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self._told = False

    def interrupt(self) -> None:
        """Send it SIGINT, once."""
        if not self._told:
            self._told = True
            self.process.send_signal(signal.SIGINT)


def wait_for(*sessions: Session, meanwhile: Sequence[Session] = ()) -> list[str]:
    """Wait until these have ended; return a line for each that failed.

    An interruption reaches those that run `meanwhile`, too.
    """
    while any(session.process.poll() is None for session in sessions):
        if interrupted:
            for session in (*sessions, *meanwhile):
                session.interrupt()
        time.sleep(0.2)
    return [
        f"failed, exit status {session.process.returncode}: {session.name}"
        for session in sessions
        if session.process.returncode
    ]


def run(
    shown: tuple[str, ...], *beside: tuple[str, ...], after: Sequence[tuple[str, ...]] = ()
) -> list[str]:
    """Run sessions side by side, those `after` when the shown one has ended; return who failed."""
    with contextlib.ExitStack() as files:
        outputs: list[IO[bytes]] = []

        def begin(arguments: tuple[str, ...]) -> Session:
            outputs.append(files.enter_context(tempfile.TemporaryFile()))
            return Session(arguments, outputs[-1])

        meanwhile = [begin(each) for each in beside]
        failed = wait_for(Session(shown), meanwhile=meanwhile)
        later = [begin(each) for each in after if not interrupted]
        failed += wait_for(*later, *meanwhile)
        for output in outputs:
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    return failed


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    failed = run(FIRST, *BESIDE_FIRST)
    if not interrupted:
        failed += run(SHOWN, *BESIDE, after=[AFTER])
    print(*failed or ["passed: all sessions"], sep="\n")
    return 1 if failed or interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
