"""What PID 1 may answer instead of its programs."""

import asyncio
import xmlrpc.client
from pathlib import Path

import pytest

from healthcheck.supervisor_client import SupervisorClient, Unreachable

FAULT = {"faultCode": 6, "faultString": "SHUTDOWN_STATE"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def ask(directory: Path, body: bytes) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD % len(body) + body)
        writer.close()

    async def run() -> str:
        path = directory / "supervisor.sock"
        async with await asyncio.start_unix_server(serve, path):
            with pytest.raises(Unreachable) as refused:
                await SupervisorClient(path).programs()
            return str(refused.value)

    return asyncio.run(run())


def test_while_it_stops_it_says_so(tmp_path: Path) -> None:
    body = xmlrpc.client.dumps(([FAULT] * 5,), methodresponse=True).encode()
    assert ask(tmp_path, body) == "SHUTDOWN_STATE"


@pytest.mark.parametrize("answer", [1, [1], [[], {}], ["x"] * 5, [[{"name": "x"}], {}, {}, {}, {}]])
def test_something_else(tmp_path: Path, answer: object) -> None:
    body = xmlrpc.client.dumps((answer,), methodresponse=True).encode()  # type: ignore[arg-type]
    assert "cannot be read" in ask(tmp_path, body)


@pytest.mark.parametrize("body", [b"", b"<", b"\xff", b"<methodResponse></methodResponse>"])
def test_no_xml_rpc(tmp_path: Path, body: bytes) -> None:
    assert ask(tmp_path, body)
