"""HTTP on a unix socket: a few threads that accept, answer one request and close."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from provisioningserver import log

ANSWER_LIMIT = 60.0
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """What the views need of a request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """Status, body and type of an answer."""

    status: int
    body: str | bytes
    content_type: str = TEXT
    headers: dict[str, str] = field(default_factory=dict)


Application = Callable[[Request], Response]


def serve(listener: socket.socket, application: Application) -> None:
    """Never returns; any number of threads may do this on the same listener."""
    while True:
        peer, _ = listener.accept()
        with peer:
            answer(peer, application)


def answer(peer: socket.socket, application: Application) -> None:
    """One request; whatever is wrong with it ends the connection at most."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "standin"
        sys_version = ""
        timeout = ANSWER_LIMIT

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {key.lower(): value for key, value in self.headers.items()},
                self.rfile.read(length),
            )
            response = application(request)
            body = response.body.encode() if isinstance(response.body, str) else response.body
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:
            """nginx has the access log."""

    try:
        Handler(peer, ("unix", 0), None)  # type: ignore[arg-type]
    except (OSError, ValueError) as failure:
        log.error("regiond.http", f"request broken off: {failure}")
