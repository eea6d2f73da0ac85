import asyncio
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path

import check_run

from healthcheck.checks import proxy

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


def ask(environment: Mapping[str, str], state: str, listens: bool) -> str:
    """Ask a proxy in the place of squid, while a server in PID 1's place names squid's state."""
    program = {"name": "squid", "statename": state, "description": "", "start": 0, "exitstatus": 0}
    body = xmlrpc.client.dumps(([program],), methodresponse=True).encode()

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def run() -> str:
        directory = Path(environment["MAAS_PROXY_CONFIG_DIR"])
        directory.mkdir(parents=True)
        squid = await asyncio.start_server(lambda r, w: answer(r, w, BAD_REQUEST), "127.0.0.1", 0)
        port = squid.sockets[0].getsockname()[1]
        (directory / "maas-proxy.conf").write_text(f"http_port 3128 transparent\nhttp_port {port}")
        if not listens:
            squid.close()
        path = Path(environment["MAAS_IPC_SOCKET_PATH"]).parent / "supervisor.sock"
        path.parent.mkdir(parents=True)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        pid_1 = await asyncio.start_unix_server(lambda r, w: answer(r, w, head + body), path)
        failure = await check_run.run(proxy.CHECK, environment)
        pid_1.close()
        squid.close()
        return check_run.reason(failure)

    return asyncio.run(run())


def test_any_answer_will_do(environment: Mapping[str, str]) -> None:
    assert ask(environment, "RUNNING", listens=True) == "passed"


def test_no_answer(environment: Mapping[str, str]) -> None:
    assert ask(environment, "RUNNING", listens=False).startswith("squid does not answer on port")


def test_a_proxy_that_maas_does_not_want_is_not_asked(environment: Mapping[str, str]) -> None:
    assert ask(environment, "STOPPED", listens=False) == "passed"
