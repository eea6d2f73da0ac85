import asyncio
from pathlib import Path

import pytest

from healthcheck import server
from healthcheck.server import Response, Server


async def exchange(path: Path, request: bytes) -> bytes:
    served = await asyncio.start_unix_server(
        Server({"/metrics": lambda query: Response(200, b"up 1\n" * (1 + len(query)))}).handle, path
    )
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    served.close()
    return answer


def ask(path: Path, request: bytes) -> bytes:
    return asyncio.run(exchange(path / "s", request))


def test_a_path_that_is_served(tmp_path: Path) -> None:
    answer = ask(tmp_path, b"GET /metrics?x=1 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nup 1\nup 1\n")


def test_a_head_is_answered_without_a_body(tmp_path: Path) -> None:
    answer = ask(tmp_path, b"HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 5" in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"rubbish\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", b"40"),
    ],
)
def test_what_is_not_served(tmp_path: Path, request_: bytes, status: bytes) -> None:
    assert ask(tmp_path, request_)[9:].startswith(status)


def test_a_slow_client_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_SECONDS", 0.1)
    assert ask(tmp_path, b"GET /metrics HT") == b""
