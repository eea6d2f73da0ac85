"""A small HTTP server on asyncio and h11: one GET a connection, answered from memory."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import h11

REQUEST_LIMIT_BYTES = 8 * 1024
EXCHANGE_SECONDS = 10.0
CONNECTIONS_AT_ONCE = 200


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Route = Callable[[], Response]


class Server:
    """Serves fixed paths. More connections than it holds at once are closed unanswered."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes
        self._open = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; the callback of asyncio's servers."""
        if self._open >= CONNECTIONS_AT_ONCE:
            writer.close()
            return
        self._open += 1
        try:
            await asyncio.wait_for(self._exchange(reader, writer), EXCHANGE_SECONDS)
        except (asyncio.TimeoutError, OSError):
            pass  # a client that is slow or gone: its loss
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

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
                ("Connection", "close"),
            ],
        )
        for part in (head, h11.Data(data=response.body), h11.EndOfMessage()):
            writer.write(connection.send(part) or b"")
        await writer.drain()

    def _respond(self, request: h11.Request) -> Response:
        if request.method == b"HEAD":
            return Response(405, b"")  # an answer to HEAD has no body
        if request.method != b"GET":
            return Response(405, b"only GET is served here\n")
        route = self._routes.get(request.target.partition(b"?")[0].decode("ascii", "replace"))
        return route() if route else Response(404, b"not found\n")
