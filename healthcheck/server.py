"""A small HTTP server on asyncio and h11: one GET a connection, answered from memory."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import h11

REQUEST_LIMIT_BYTES = 8 * 1024
EXCHANGE_SECONDS = 10.0
# Of one server. When there are more, those go first that have been there for longest.
MOST_CONNECTIONS = 100


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


# Answers what stands in the query.
Route = Callable[[frozenset[str]], Response]


class Server:
    """Serves fixed paths, in bounded memory whatever the clients do."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes
        self._open: dict[asyncio.StreamWriter, None] = {}  # the oldest first

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; the callback of asyncio's servers."""
        if len(self._open) >= MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        try:
            await asyncio.wait_for(self._exchange(reader, writer), EXCHANGE_SECONDS)
        except (asyncio.TimeoutError, OSError):
            pass  # a client that is slow or gone: its loss
        except asyncio.CancelledError:
            pass  # the monitor ends; before Python 3.12 asyncio would log it as a mistake
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()  # all was sent, or nobody wants it

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=REQUEST_LIMIT_BYTES)
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(4096))
            if not isinstance(event, h11.Request):
                return
            response = self._respond(event)
        except h11.RemoteProtocolError as error:
            response = Response(error.error_status_hint, b"bad request\n")
        if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        head = h11.Response(
            status_code=response.status,
            headers=[
                ("Content-Type", response.content_type),
                ("Content-Length", str(len(response.body))),
                ("Cache-Control", "no-store"),
                ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
                ("X-Content-Type-Options", "nosniff"),
                ("Connection", "close"),
            ],
        )
        writer.write(connection.send(head) or b"")
        is_head = isinstance(event, h11.Request) and event.method == b"HEAD"
        writer.write(connection.send(h11.Data(data=b"" if is_head else response.body)) or b"")
        await _sent(writer)

    def _respond(self, request: h11.Request) -> Response:
        if request.method not in (b"GET", b"HEAD"):
            return Response(405, b"only GET and HEAD are served here\n")
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        route = self._routes.get(path)
        if route is None:
            return Response(404, b"not found\n")
        return route(frozenset(filter(None, query.split("&"))))


async def _sent(writer: asyncio.StreamWriter) -> None:
    """Wait until the kernel has all of it."""
    writer.transport.set_write_buffer_limits(0)
    await writer.drain()
