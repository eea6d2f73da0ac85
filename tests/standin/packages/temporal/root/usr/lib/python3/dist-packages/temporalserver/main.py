"""`temporal-server`: options, start, heartbeat, end (maas-region-run.md 1 and 6)."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import psycopg2

from temporalserver import log, rpc
from temporalserver.configuration import ROLES, Configuration, Unusable, load
from temporalserver.datastores import Datastore, Membership
from temporalserver.metrics import REQUEST_LIMIT, Metrics

HEARTBEAT = 10.0
RETRY = 1.0
HANDSHAKE_LIMIT = 10.0
BACKLOG = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: {message}\n")


def parse() -> argparse.Namespace:
    """Temporal's options and no others; one or two dashes before a long name, as in Go."""
    parser = _Parser(prog="temporal-server", allow_abbrev=False)
    parser.add_argument("--root", "-root", "-r", default=".")
    parser.add_argument("--config", "-config", "-c", default="config")
    parser.add_argument("--env", "-env", "-e", default="development")
    parser.add_argument("--zone", "-zone", "-az", default="")
    parser.add_argument("--allow-no-auth", "-allow-no-auth", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", allow_abbrev=False)
    start.add_argument("--service", "-service", "-svc", action="append", choices=ROLES)
    return parser.parse_args()


def main() -> None:
    """Status 1 and one line on stderr, or status 0 after SIGTERM."""
    arguments = parse()
    path = Path(arguments.root) / arguments.config / f"{arguments.env}.yaml"
    try:
        asyncio.run(_run(path, arguments.service or list(ROLES)))
    except Unusable as reason:
        sys.exit(f"temporal-server: {reason}")


async def _run(path: Path, services: list[str]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_exception)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end)
    log.info("stand-in for Temporal (no workflow is ever run)", configuration=str(path))
    await Server(load(path), services).run()


def _end() -> None:
    """At once: a thread may be waiting for PostgreSQL."""
    log.info("SIGTERM received, all services are stopped")
    os._exit(0)


def _log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Clients that break off in the middle of a handshake end here; they are nobody's fault."""
    log.write("debug", context["message"], error=str(context.get("exception", "")))


class Server:
    """The four services, in one process."""

    def __init__(self, configuration: Configuration, services: list[str]) -> None:
        self.configuration = configuration
        self.roles = [role for role in configuration.roles if role.name in services]
        self.metrics = Metrics()
        self.stores = [
            Datastore(configuration.default_store, "1.10"),
            Datastore(configuration.visibility_store, "1.3"),
        ]
        address = configuration.broadcast_address
        self.membership = Membership(self.stores[0], address, self.roles)

    async def run(self) -> None:
        """Never returns."""
        for store in self.stores:
            await asyncio.to_thread(store.open)
        for role in self.roles:
            context = rpc.server_context(role.tls)
            frontend = rpc.Frontend(role, self.metrics)
            tls = {"ssl": context, "ssl_handshake_timeout": HANDSHAKE_LIMIT}
            await self._listen(frontend.serve, role.address, role.rpc_port, **tls)
            await self._listen(rpc.discard, role.address, role.membership_port)
        await self._listen(
            self.metrics.serve,
            self.configuration.metrics_host,
            self.configuration.metrics_port,
            limit=REQUEST_LIMIT,
        )
        log.info(
            "all services are started",
            services=[role.name for role in self.roles],
            broadcastAddress=self.configuration.broadcast_address,
        )
        while True:
            await asyncio.sleep(HEARTBEAT if await self._heartbeat() else RETRY)

    async def _listen(self, serve: Any, host: str, port: int, **options: Any) -> None:
        try:
            await asyncio.start_server(serve, host, port, backlog=BACKLOG, **options)
        except OSError as failure:
            raise Unusable(f"cannot listen on {host}:{port}: {failure.strerror}") from None

    async def _heartbeat(self) -> bool:
        """Connections that broke are made anew; a database that is away is waited for."""
        self.metrics.persistence_requests += 1
        try:
            for store in self.stores:
                await asyncio.to_thread(store.refresh)
            await asyncio.to_thread(self.membership.heartbeat)
        except psycopg2.Error as failure:
            self.metrics.persistence_errors += 1
            log.error("persistence failed", error=" ".join(str(failure).split()))
            return False
        return True
