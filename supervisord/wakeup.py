"""Waking: signals, exits of children and points in time are handled at once.

supervisord's loop polls for a second, and CPython resumes poll() after a signal handler (PEP 475),
so that a signal or a dead child would be noticed up to a second late, and each group of a shutdown
cost another (facts/supervisors.md C). A byte on a socket of the loop's own cuts the poll short.
"""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable

from supervisor.medusa import asyncore_25 as asyncore

# ServerOptions.cleanup_fds() has closed what is from here on after a SIGHUP.
_FIRST_CLOSED_FD = 5
# What supervisord compares with a point in time must be later than it.
_LATER_SECONDS = 0.002


class Wakeup(asyncore.dispatcher):  # type: ignore[misc]
    """Wakes the loop at a signal, and calls `on_turn` in each of its turns."""

    def __init__(self, on_turn: Callable[[], None]) -> None:
        reader, self._writer = socket.socketpair()
        reader.setblocking(False)
        self._writer.setblocking(False)
        asyncore.dispatcher.__init__(self, reader)
        self._on_turn = on_turn
        self._turned = False
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGALRM, lambda *_: None)

    def poke(self) -> None:
        """Make the loop turn once more without waiting."""
        with contextlib.suppress(BlockingIOError):  # full: it will turn anyway
            self._writer.send(b"\0")

    def wake_at(self, when: float) -> None:
        """Make the loop turn at that Unix time, instead of what was asked before."""
        delay = when - time.time() + _LATER_SECONDS
        if delay < 1:  # it turns each second anyway
            signal.setitimer(signal.ITIMER_REAL, max(delay, _LATER_SECONDS))

    def readable(self) -> bool:
        """Run `on_turn`: the loop asks this at the beginning of each turn, at least each second.

        It asks once more after handle_read_event.
        """
        if self._turned:
            self._turned = False
        else:
            self._on_turn()
        return True

    def writable(self) -> bool:
        """Never has anything to write."""
        return False

    def handle_read_event(self) -> None:
        """Swallow the bytes that woke the loop."""
        self._turned = True
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv(4096):
                pass

    @staticmethod
    def rest() -> None:
        """Wake nobody any more: at the end, and before a reload closes descriptors.

        A timer that goes off without Python's handler would end the process.
        """
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def abandon(self) -> None:
        """Let go of both sockets, which supervisord may have closed under us at a reload."""
        self.del_channel()
        for end in (self.socket, self._writer):
            if end.fileno() >= _FIRST_CLOSED_FD:
                end.detach()
            else:
                end.close()


def more_children_ended() -> bool:
    """Say whether there is a child to be reaped: supervisord reaps at most 100 a turn."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False
