"""Standard output of PID 1, which must never wait for whoever reads it."""

import contextlib
import os
import select
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from supervisor.medusa import asyncore_25 as asyncore

BUFFER_BYTES = 4 * 2**20  # and one block more
# Having held that much, it gives memory back to the system when all is written.
MUCH_BYTES = 2**18
# How long the end of PID 1 waits for a reader that takes nothing.
PATIENCE_SECONDS = 3.0


class Output:
    """Writes blocks of lines as fast as they are read; those that do not fit are dropped, counted.

    Dropping goes on until half of the buffer is free. Then a line says how many are missing there.
    """

    def __init__(self, fd: int, describe_loss: Callable[[Counter[str]], bytes]) -> None:
        self.lost: Counter[str] = Counter()  # lines, by program, since the beginning
        self._fd = fd
        self._describe_loss = describe_loss
        self._lost_here: Counter[str] = Counter()  # not said yet
        self._queue: deque[tuple[str, memoryview]] = deque()
        self._queued_bytes = 0
        self._held_much = False
        self._broken = False
        self._poller: Any = None
        os.set_blocking(fd, False)

    def watch(self, poller: Any) -> None:
        """Have supervisord's loop ask this object last, after all that may write a line."""
        self._poller = poller
        if not self._broken:
            asyncore.socket_map.pop(self._fd, None)
            asyncore.socket_map[self._fd] = self

    def put(self, program: str, block: bytes, lines: int) -> None:
        """Take a block of that many whole lines, or count them as lost."""
        if self._lost_here or self._broken or self._queued_bytes > BUFFER_BYTES:
            self.lost[program] += lines
            self._lost_here[program] += lines
        else:
            self._append(program, block)

    def flush(self) -> None:
        """Write what the reader takes now."""
        while self._queue and not self._broken:
            program, block = self._queue[0]
            try:
                written = os.write(self._fd, block)
            except BlockingIOError:
                break
            except OSError:  # nobody will ever read it, and poll() would tell so without end
                self._broken = True
                asyncore.socket_map.pop(self._fd, None)
                with contextlib.suppress(KeyError, OSError):
                    self._poller.unregister_writable(self._fd)
                break
            self._queued_bytes -= written
            if written < len(block):
                self._queue[0] = program, block[written:]
            else:
                self._queue.popleft()
            self._tell_loss()
        if self._held_much and not self._queue:
            self._held_much = False
            _give_memory_back()

    def finish(self) -> Counter[str]:
        """Write the rest, at the end of PID 1; return what was lost and could not be said there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = self._queued_bytes
        while self._queue and not self._broken and time.monotonic() < deadline:
            select.select([], [self._fd], [], deadline - time.monotonic())
            self.flush()
            if self._queued_bytes != before:
                before = self._queued_bytes
                deadline = time.monotonic() + PATIENCE_SECONDS
        for program, block in self._queue:
            self._lost_here[program] += bytes(block).count(b"\n")
        asyncore.socket_map.pop(self._fd, None)
        if not self._broken:
            os.set_blocking(self._fd, True)
        return self._lost_here

    def _append(self, program: str, block: bytes) -> None:
        self._queue.append((program, memoryview(block)))
        self._queued_bytes += len(block)
        self._held_much |= self._queued_bytes > MUCH_BYTES

    def _tell_loss(self) -> None:
        if self._lost_here and self._queued_bytes <= BUFFER_BYTES // 2:
            lost, self._lost_here = self._lost_here, Counter()
            self._append("", self._describe_loss(lost))

    # What supervisord's loop asks of whatever stands in its map:

    def readable(self) -> bool:
        """Never has anything to read."""
        return False

    def writable(self) -> bool:
        """Say whether the loop should wake when the reader takes more."""
        return bool(self._queue) and not self._broken

    def handle_write_event(self) -> None:
        """Go on writing."""
        self.flush()

    def handle_error(self) -> None:
        """Nothing to be done: what failed is tried again at the next turn."""


def _give_memory_back() -> None:
    """Return to the system what the C library's heap keeps of what was freed: malloc_trim(3)."""
    import ctypes  # which takes 10 ms, and few containers ever need it

    ctypes.CDLL(None).malloc_trim(0)
