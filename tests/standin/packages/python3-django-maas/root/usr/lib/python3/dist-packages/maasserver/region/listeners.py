"""What the parent itself listens on: :5239/metrics, 5240/udp, the IPC socket (1, 5)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from provisioningserver import log, paths

from maasserver.region import database, metrics

METRICS_PORT = 5239
BEACON_PORT = 5240
ORIGIN = "maasserver.listeners"


class _MetricsHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = metrics.render() if self.path.partition("?")[0] == "/metrics" else b"Not found"
        self.send_response(404 if body == b"Not found" else 200)
        self.send_header("Content-Type", metrics.CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not logged."""


def start() -> None:
    """Each in a thread; a port that is taken is logged and otherwise ignored."""
    for listener in (_metrics, _beacons, _ipc):
        try:
            listener()
        except OSError as failure:
            log.error(ORIGIN, f"{listener.__name__.strip('_')}: {failure}")


def unix_listener(path: Path, mode: int) -> socket.socket:
    """A listening unix socket in the place of a stale one (6: restart reuses sockets)."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(mode)
    listener.listen(64)
    return listener


def accept_and_close(listener: socket.socket, closed: Callable[[], None] = lambda: None) -> None:
    """A peer that says nothing, for ever."""
    while True:
        listener.accept()[0].close()
        closed()


def _metrics() -> None:
    server = ThreadingHTTPServer(("", METRICS_PORT), _MetricsHandler)
    database.in_thread("metrics", server.serve_forever)


def _beacons() -> None:
    beacons = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    beacons.bind(("", BEACON_PORT))

    def discard() -> None:
        while True:
            beacons.recv(2048)

    database.in_thread("beacons", discard)


def _ipc() -> None:
    listener = unix_listener(paths.ipc_socket(), 0o600)
    database.in_thread("ipc", lambda: accept_and_close(listener))
