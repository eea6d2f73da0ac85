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
        (b"GET /x?a&b&c&d&e&f&g&h&i&j&k&l HTTP/1.1\r\nHost: h\r\n\r\n", b"404"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", b"40"),
    ],
)
def test_what_is_not_served(tmp_path: Path, request_: bytes, status: bytes) -> None:
    assert ask(tmp_path, request_)[9:].startswith(status)


def test_a_slow_client_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_SECONDS", 0.1)
    assert ask(tmp_path, b"GET /metrics HT") == b""


def test_it_serves_among_500_idle_and_slow_clients(tmp_path: Path) -> None:
    """Some send nothing, some half a line, some rubbish, some ask and never read."""
    body = b"x" * 2**20

    async def run() -> tuple[list[bytes], int]:
        served = Server(
            {"/big": lambda _: Response(200, body), "/": lambda _: Response(200, b"up")}
        )
        path = tmp_path / "s"
        listening = await asyncio.start_unix_server(served.handle, path)
        begins = (b"", b"GET / HT", b"\0\xff" * 100, b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
        clients = []
        answers = []
        for number in range(500):
            _, writer = await asyncio.open_unix_connection(str(path), limit=1024)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(begins[number % len(begins)])
            clients.append(writer)
            if number % 50 == 49:
                reader, writer = await asyncio.open_unix_connection(str(path))
                writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                answers.append(await asyncio.wait_for(reader.read(), 5))
                writer.close()
        held = len(served._open)
        for client in clients:
            client.transport.abort()
        listening.close()
        return answers, held

    answers, held = asyncio.run(run())
    assert len(answers) == 10
    assert all(answer.endswith(b"up") for answer in answers)
    assert held <= server.MOST_CONNECTIONS


def test_who_does_not_read_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_SECONDS", 0.2)

    async def run() -> int:
        served = Server({"/big": lambda _: Response(200, b"x" * 2**22)})
        listening = await asyncio.start_unix_server(served.handle, tmp_path / "s")
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "s"), limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.sleep(0.5)
        left = len(served._open)
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        writer.transport.abort()
        listening.close()
        await asyncio.sleep(0.1)
        # nothing of it is kept for a client that might come round one day
        assert descriptors - len(list(Path("/proc/self/fd").iterdir())) <= 2
        return left

    assert asyncio.run(run()) == 0
