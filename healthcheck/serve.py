"""`healthcheck serve`: the monitor, its port for Prometheus and its socket for the probe."""

import asyncio
import os
import signal

from prometheus_client import CONTENT_TYPE_LATEST

import settings
from healthcheck.check import Target
from healthcheck.checks import all_checks
from healthcheck.metrics import Metrics
from healthcheck.monitor import Monitor
from healthcheck.server import Response, Server
from healthcheck.supervisor_client import SupervisorClient

SOCKET_NAME = "healthcheck.sock"


async def serve(configured: settings.Settings) -> None:
    """Serve until SIGTERM."""
    target = Target.from_environment(configured, os.environ)
    monitor = Monitor(all_checks(), target)
    metrics = Metrics(monitor, SupervisorClient(target.supervisor_socket))

    def probe() -> Response:
        return Response(200 if monitor.verdict().good else 503, f"{monitor.line()}\n".encode())

    def table() -> Response:
        return Response(200 if monitor.verdict().good else 503, f"{monitor.table()}\n".encode())

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    socket = target.run / SOCKET_NAME
    socket.unlink(missing_ok=True)
    public = Server({"/metrics": lambda: Response(200, metrics.text, CONTENT_TYPE_LATEST)})
    private = Server({"/probe": probe, "/table": table})
    host, port = configured.maas_health_listen
    servers = (
        await asyncio.start_unix_server(private.handle, socket),
        await asyncio.start_server(public.handle, host, port),
    )
    tasks = [asyncio.create_task(monitor.watch()), asyncio.create_task(metrics.keep_rendering())]
    tasks.append(asyncio.create_task(_until(stopping)))
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.close()
    for task in running:
        task.cancel()
    for task in done:
        task.result()  # the monitor does not end by itself: raise what ended it


async def _until(event: asyncio.Event) -> None:
    await event.wait()
