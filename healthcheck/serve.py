"""`healthcheck serve`: the monitor, its port for Prometheus and its socket for the probe."""

import asyncio
import os
import signal
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST

import settings
from healthcheck.check import Target
from healthcheck.checks import all_checks
from healthcheck.metrics import Metrics
from healthcheck.monitor import Monitor
from healthcheck.server import Response, Route, Server
from healthcheck.supervisor_client import SupervisorClient
from healthcheck.verdict import Verdict

SOCKET_NAME = "healthcheck.sock"


class CannotListen(Exception):
    """The address for Prometheus cannot be had; the text says how to mend it."""


async def serve(configured: settings.Settings) -> None:
    """Serve until SIGTERM. Raises CannotListen."""
    target = Target.from_environment(configured, os.environ)
    monitor = Monitor(all_checks(), target)
    metrics = Metrics(monitor, SupervisorClient(target.supervisor_socket))

    def verdict_as(text: Callable[[Verdict], str]) -> Route:
        def respond() -> Response:
            verdict = monitor.verdict()
            return Response(200 if verdict.good else 503, f"{text(verdict)}\n".encode())

        return respond

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    socket = target.run / SOCKET_NAME
    socket.unlink(missing_ok=True)
    public = Server({"/metrics": lambda: Response(200, metrics.text, CONTENT_TYPE_LATEST)})
    private = Server({"/probe": verdict_as(monitor.line), "/table": verdict_as(monitor.table)})
    servers = (
        await asyncio.start_unix_server(private.handle, socket),
        await _listen(public, *configured.maas_health_listen),
    )
    tasks = [
        asyncio.create_task(work)
        for work in (
            monitor.watch(),
            monitor.announce(lambda line: print(line, flush=True)),
            metrics.keep_rendering(),
            _until(stopping),
        )
    ]
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.close()
    for task in running:
        task.cancel()
    for task in done:
        task.result()  # the monitor does not end by itself: raise what ended it


async def _listen(server: Server, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(server.handle, host, port)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Set MAAS_HEALTH_LISTEN to"
            " an address and a free port of the container"
        ) from None


async def _until(event: asyncio.Event) -> None:
    await event.wait()
