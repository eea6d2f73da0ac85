"""`healthcheck serve`: the monitor, its port for everybody and its socket for the probe."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST

import settings
from healthcheck import views
from healthcheck.check import Target
from healthcheck.checks import all_checks
from healthcheck.exporter import Exporter
from healthcheck.healing import Healer
from healthcheck.monitor import Monitor
from healthcheck.server import REQUEST_LIMIT_BYTES, Response, Route, Server
from healthcheck.status_page import StatusPage
from healthcheck.verdict import Verdict

SOCKET_NAME = "healthcheck.sock"
# Rendering the metrics of hundreds of programs, in a thread, must not make a client wait.
SWITCH_SECONDS = 0.0002
VITAL_STATES = ("BACKOFF", "FATAL", "UNKNOWN")


class CannotListen(Exception):
    """The address for Prometheus cannot be had; the text says how to mend it."""


async def serve(configured: settings.Settings) -> None:
    """Serve until SIGTERM. Raises CannotListen."""
    sys.setswitchinterval(SWITCH_SECONDS)
    target = Target.from_environment(configured, os.environ)
    monitor = Monitor(all_checks(), target)
    healer = Healer(monitor, target, _say)
    exporter = Exporter(monitor, target, lambda: healer.heals)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    socket = target.run / SOCKET_NAME
    socket.unlink(missing_ok=True)
    private = Server(_private_routes(monitor, target))
    public = Server(_public_routes(monitor, target, exporter))
    servers = (
        await asyncio.start_unix_server(private.handle, socket, limit=REQUEST_LIMIT_BYTES),
        await _listen(public, *configured.maas_health_listen),
    )
    tasks = [
        asyncio.create_task(work)
        for work in (
            monitor.watch(),
            monitor.announce(_say),
            exporter.keep_rendering(),
            healer.keep_healing(),
            stopping.wait(),
        )
    ]
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.close()
    for task in running:
        task.cancel()
    for task in done:
        task.result()  # the monitor does not end by itself: raise what ended it


def _private_routes(monitor: Monitor, target: Target) -> dict[str, Route]:
    def verdict_as(text: Callable[[Verdict], str], content_type: str = "text/plain") -> Route:
        def respond(_query: frozenset[str]) -> Response:
            verdict = monitor.verdict()
            return Response(200 if verdict.good else 503, text(verdict).encode(), content_type)

        return respond

    return {
        "/probe": verdict_as(lambda verdict: views.line(monitor, verdict)),
        "/table": verdict_as(lambda verdict: views.table(monitor, verdict)),
        "/json": verdict_as(
            lambda verdict: views.document(monitor, verdict, target), "application/json"
        ),
    }


def _public_routes(monitor: Monitor, target: Target, exporter: Exporter) -> dict[str, Route]:
    page = StatusPage(monitor, target)

    def endpoint(problem: Callable[[Verdict], str | None]) -> Route:
        def respond(query: frozenset[str]) -> Response:
            reason = problem(monitor.verdict())
            text = views.public(reason, monitor, "verbose" in query)
            return Response(503 if reason else 200, text.encode())

        return respond

    def metrics(_query: frozenset[str]) -> Response:
        # nothing is rendered yet in the first moment
        return Response(200 if exporter.text else 503, exporter.text, CONTENT_TYPE_LATEST)

    def status(_query: frozenset[str]) -> Response:
        return Response(200, page.render(monitor.verdict()), "text/html; charset=utf-8")

    return {
        "/": status,
        "/metrics": metrics,
        "/livez": endpoint(lambda _verdict: _not_alive(target)),
        "/readyz": endpoint(lambda verdict: None if verdict.good else verdict.public),
        "/startupz": endpoint(lambda verdict: None if monitor.started else verdict.public),
    }


def _not_alive(target: Target) -> str | None:
    """Say what only a new start of the container would mend. It never looks at the database.

    That the monitor answers at all is most of it. A regiond that hangs is healed.
    """
    if not target.programs.latest:
        return "PID 1 does not answer"
    regiond = target.programs.find("regiond")
    if regiond and regiond.state in VITAL_STATES:
        return f"regiond is {regiond.state}"
    return None


async def _listen(server: Server, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(server.handle, host, port, limit=REQUEST_LIMIT_BYTES)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Set MAAS_HEALTH_LISTEN to"
            " an address and a free port of the container"
        ) from None


def _say(text: str) -> None:
    print(text, flush=True)
