"""What stands in the place of a service: it answers whatever a case says."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Answering:
    """Reads something of each connection, answers and closes it."""

    def __init__(self, listening: socket.socket) -> None:
        self.answer: tuple[bytes, ...] = ()
        self._listening = listening

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # it is over
                return
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            request = connection.recv(65536)
            # a POST's body may come by itself; without it, closing would reset the connection
            if request.startswith(b"POST") and request.endswith(b"\r\n\r\n"):
                connection.recv(65536)
            for part in self.answer:
                connection.sendall(part)
        except OSError:
            pass  # a client that has seen enough


@contextmanager
def answering(path: Path, service: type[Answering] = Answering) -> Iterator[Answering]:
    """Serve on a unix socket."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        server = service(listening)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
