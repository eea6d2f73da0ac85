"""Clients that send rubbish to a server, and one that wants to know whether it still serves."""

import re
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from wire import Sent

STALLED = 20
SECONDS = 5.0
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n")


class Clients:
    """Sends what a case says; some stay connected without a word for a while."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._stalled: deque[socket.socket] = deque()

    def send(self, value: Sent) -> socket.socket:
        """Send it, and return the connection, whose end is said unless it stalls."""
        client = self.connected()
        with suppress(OSError):  # the server has had enough
            for part in value.parts:
                client.sendall(part)
            if not value.stalls:
                client.shutdown(socket.SHUT_WR)
        return client

    def let_go(self, client: socket.socket, stalls: bool) -> None:
        """Close a connection, or the oldest one where this one stalls."""
        if stalls:
            self._stalled.append(client)
        else:
            client.close()
        if len(self._stalled) > STALLED:
            self._stalled.popleft().close()

    def close(self) -> None:
        for client in self._stalled:
            client.close()
        self._stalled.clear()

    def connected(self) -> socket.socket:
        client = self._connect()
        client.settimeout(SECONDS)
        return client

    def ask(self, request: bytes) -> bytes:
        """Return the whole answer to a request after which the server closes."""
        with self.connected() as client:
            client.sendall(request)
            return read(client)


def read(client: socket.socket) -> bytes:
    """Return all that comes until the end, or until now where the client does not block."""
    data = b""
    with suppress(ConnectionResetError, BlockingIOError):
        while part := client.recv(65536):
            data += part
    return data


def unix(path: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(SECONDS)
    client.connect(path)
    return client
