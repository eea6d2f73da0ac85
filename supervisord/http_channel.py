"""One client's connection to supervisord's sockets: who it is, and how much it may ask of PID 1."""

import os
import socket
import struct
import sys
import time
from typing import Any

from supervisor.http import deferring_http_channel
from supervisor.medusa import asyncore_25 as asyncore

from supervisord.log.container_log import ContainerLog

REQUEST_LIMIT_BYTES = 1024 * 1024
# Of all connections; supervisorctl, the monitor and MAAS have a handful.
MOST_CONNECTIONS = 256
# A request that has begun must be complete that long after its last byte.
STALL_SECONDS = 30.0

_DENIED = (401, "Unauthorized", "access denied")
_TOO_LARGE = (413, "Request Entity Too Large", "request is too large")


class Channel(deferring_http_channel):  # type: ignore[misc]
    """Refuses other users and endless requests, and says whether it has stalled."""

    closed = False
    # What is sent in one turn of the loop; with stock's 4 KiB, long answers take many turns.
    ac_out_buffer_size = 1 << 18

    def __init__(
        self, log: ContainerLog, server: Any, connection: socket.socket, address: Any
    ) -> None:
        self._log = log
        self._request_bytes = 0
        self._refusal = None if _peer_may(connection) else _DENIED
        self._refused = False
        super().__init__(server, connection, address)

    def collect_incoming_data(self, data: bytes) -> None:
        """Collect a part of a request, as long as it is one."""
        self._request_bytes += len(data)
        if self._request_bytes > REQUEST_LIMIT_BYTES:
            self._refusal = _TOO_LARGE
            self._refuse()
        elif not self._refusal:
            super().collect_incoming_data(data)

    def found_terminator(self) -> None:
        """Handle the end of a head or of a body."""
        self._request_bytes = 0
        if self._refusal:
            self._refuse()
        else:
            super().found_terminator()

    def close(self) -> None:
        """Close the connection, and let go of what was to be sent: `tail -f` has a file open."""
        self.closed = True
        self.producer_fifo.list.clear()  # it knows this channel: only gc would find the circle
        super().close()

    def handle_error(self) -> None:
        """Close a connection whose client went away, or sends what is no request."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self._log.info(f"closed a connection: what its client sent is no request: {error!r}")
        self.close()

    @property
    def idle(self) -> bool:
        """Whether the client waits for nothing."""
        return not self.current_request and self.producer_fifo.is_empty()

    def stalled(self, now: float) -> bool:
        """Say whether a request was begun, by Unix time `now` too long ago, and not finished."""
        begun = self.in_buffer or self.ac_in_buffer or self._request_bytes
        return bool(begun and now - self.last_used > STALL_SECONDS)

    def _refuse(self) -> None:
        assert self._refusal
        if self._refused:
            return
        self._refused = True
        code, reason, message = self._refusal
        body = (
            f'{{"type":"error","status-code":{code},"status":"{reason}",'
            f'"result":{{"message":"{message}"}}}}'
        )
        self.push(
            f"HTTP/1.1 {code} {reason}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        )
        self.close_when_done()


def close_stalled() -> None:
    """Close the connections whose clients have stalled in the middle of a request."""
    now = time.time()
    for channel in _channels():
        if channel.stalled(now):
            channel.close()


def someone_waits() -> bool:
    """Say whether a client waits for something that the loop has to look at again and again."""
    return any(channel.delay for channel in _channels())


def close_excess() -> None:
    """Close the connections that are too many, those first that have been idle for long."""
    channels = _channels()
    excess = max(len(channels) - MOST_CONNECTIONS, 0)
    for channel in sorted(channels, key=lambda c: (not c.idle, c.last_used))[:excess]:
        channel.close()


def _channels() -> list[Channel]:
    return [c for c in list(asyncore.socket_map.values()) if isinstance(c, Channel)]


def _peer_may(connection: socket.socket) -> bool:
    """Say whether the client's UID is ours or root's (unix(7), SO_PEERCRED)."""
    if connection.family != socket.AF_UNIX:
        return True
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (os.geteuid(), 0)
