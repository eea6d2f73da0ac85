"""A child between fork and exec: signals to it must not be taken by PID 1's handlers.

There they would be noted in the child's copy of PID 1 and lost with it; a program that is stopped
within milliseconds of its start would run on until it is killed.
"""

import os
import signal

# What supervisord and wakeup.py handle.
_HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGUSR2,
    signal.SIGALRM,
)


def protect_children() -> None:
    """Keep these signals waiting during each fork, and give children the kernel's handling."""
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_reset)


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)


def _reset() -> None:
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    _release()
