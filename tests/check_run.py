"""Running one check by itself."""

import asyncio
from collections.abc import Callable, Mapping

import settings
from healthcheck.check import Check, Failure, Target

SETTINGS = settings.load({"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": "p-1"})


def target(environment: Mapping[str, str]) -> Target:
    return Target.from_environment(SETTINGS, environment)


async def run(check: Check, environment: Mapping[str, str]) -> Failure | None:
    return await asyncio.wait_for(check.make(target(environment))(), 3)


def reason(failure: Failure | None) -> str:
    return failure.reason if failure else "passed"


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with what a function makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(data), address)


async def answering_port(answer: Callable[[bytes], bytes]) -> int:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Answering(answer), local_addr=("127.0.0.1", 0)
    )
    return int(transport.get_extra_info("sockname")[1])
