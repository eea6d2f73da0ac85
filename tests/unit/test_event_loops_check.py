import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.check import Failure
from healthcheck.checks import event_loops
from healthcheck.server import Response, Server

OWN, ANOTHER = "127.0.0.1", "198.51.100.1"


async def ask(environment: Mapping[str, str], answer: object) -> Failure | None:
    path = Path(environment["MAAS_HTTP_SOCKET_WORKER_BASE_PATH"] + ".0")
    path.parent.mkdir(parents=True)
    body = json.dumps(answer).encode()
    server = Server({event_loops.PATH: lambda _query: Response(200, body)})
    served = await asyncio.start_unix_server(server.handle, path)
    failure = await check_run.run(event_loops.CHECK, environment)
    served.close()
    return failure


def loops(environment: Mapping[str, str], *loops: tuple[str, bool]) -> Failure | None:
    """Announce event loops: at which address each is, and whether it answers."""

    async def run() -> Failure | None:
        listening = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            ports = {True: port, False: silent.getsockname()[1]}
            announced = {
                f"maas:pid={number}": [[address, ports[answers]]]
                for number, (address, answers) in enumerate(loops)
            }
            failure = await ask(environment, {"eventloops": announced})
        listening.close()
        return failure

    return asyncio.run(run())


def test_all_answer(environment: Mapping[str, str]) -> None:
    assert loops(environment, (OWN, True), (OWN, True), (ANOTHER, False)) is None


def test_one_is_silent(environment: Mapping[str, str]) -> None:
    failure = loops(environment, (OWN, True), (OWN, False))
    assert failure
    assert failure.degrades


def test_all_are_silent(environment: Mapping[str, str]) -> None:
    failure = loops(environment, (OWN, False))
    assert failure
    assert not failure.degrades
    assert "127.0.0.1 port" in failure.detail
    assert "127.0.0.1" not in failure.public


def test_only_another_region_has_any(environment: Mapping[str, str]) -> None:
    failure = loops(environment, (ANOTHER, True))
    assert "not announced any" in check_run.reason(failure)


@pytest.mark.parametrize(
    "answer", [[], {}, {"eventloops": [1]}, {"eventloops": {"maas:pid=1": [[1]]}}]
)
def test_rubbish(environment: Mapping[str, str], answer: object) -> None:
    failure = asyncio.run(ask(environment, answer))
    assert "cannot be read" in check_run.reason(failure)


def test_nobody_listens(environment: Mapping[str, str]) -> None:
    failure = asyncio.run(check_run.run(event_loops.CHECK, environment))
    assert check_run.reason(failure).startswith("regiond does not answer")
