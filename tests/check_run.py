"""Running one check by itself."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

import settings
from healthcheck.check import Check, Failure, Target

SETTINGS = settings.load({"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": "p-1"})


def target(environment: Mapping[str, str], **changes: Any) -> Target:
    return replace(Target.from_environment(SETTINGS, environment), **changes)


async def run(check: Check, environment: Mapping[str, str]) -> Failure | None:
    return await asyncio.wait_for(check.make(target(environment))(), 3)


def reason(failure: Failure | None) -> str:
    return str(failure) if failure else "passed"


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ask_tls_service(
    module: ModuleType,
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    serve: Serve,
    context: ssl.SSLContext | None,
) -> str:
    """Run a module's check on a service in the place of the real one; return why it failed."""

    async def ask() -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        monkeypatch.setattr(module, "PORT", server.sockets[0].getsockname()[1])
        failure = await run(module.CHECK, environment)
        server.close()
        return reason(failure)

    return asyncio.run(ask())


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with what a function makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(data), address)


def ask_udp_service(
    module: ModuleType,
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[bytes], bytes],
) -> str:
    """Run a module's check on a service in the place of the real one; return why it failed."""

    async def ask() -> str:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Answering(answer), local_addr=("127.0.0.1", 0)
        )
        monkeypatch.setattr(module, "PORT", transport.get_extra_info("sockname")[1])
        return reason(await run(module.CHECK, environment))

    return asyncio.run(ask())
