import asyncio
from collections.abc import Mapping
from pathlib import Path

import check_run
import pid1_double
import pytest

from healthcheck.checks import proxy

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


def ask(environment: Mapping[str, str], state: str, listens: bool) -> str:
    """Ask a proxy in the place of squid, while a server in PID 1's place names squid's state."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BAD_REQUEST)
        writer.close()

    async def run() -> str:
        directory = Path(environment["MAAS_PROXY_CONFIG_DIR"])
        directory.mkdir(parents=True)
        squid = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = squid.sockets[0].getsockname()[1]
        (directory / "maas-proxy.conf").write_text(f"http_port 3128 transparent\nhttp_port {port}")
        if not listens:
            squid.close()
        async with pid1_double.answering(environment, {"name": "squid", "statename": state}):
            failure = await check_run.run(proxy.CHECK, environment)
        squid.close()
        return check_run.reason(failure)

    return asyncio.run(run())


def test_any_answer_will_do(environment: Mapping[str, str]) -> None:
    assert ask(environment, "RUNNING", listens=True) == "passed"


def test_no_answer(environment: Mapping[str, str]) -> None:
    assert ask(environment, "RUNNING", listens=False).startswith("squid does not answer on port")


@pytest.mark.parametrize("state", ["STOPPING", "STOPPED"])
def test_a_proxy_that_maas_does_not_want_is_no_failure(
    environment: Mapping[str, str], state: str
) -> None:
    assert ask(environment, state, listens=False) == "passed"


def test_pid_1_is_asked_anew(environment: Mapping[str, str]) -> None:
    async def run() -> str:
        target = check_run.target(environment)
        async with pid1_double.answering(environment, {"name": "squid"}):
            await target.programs.fresh()
        async with pid1_double.answering(environment, {"name": "squid", "statename": "STOPPING"}):
            return check_run.reason(await proxy.CHECK.make(target)())

    assert asyncio.run(run()) == "passed"
