"""What stands in PID 1's place for a check: answers of the methods that the monitor calls."""

import asyncio
import xmlrpc.client
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PROCESS = {"statename": "RUNNING", "description": "", "start": 1, "exitstatus": 0, "pid": 0}


@asynccontextmanager
async def answering(
    environment: Mapping[str, str],
    *processes: dict[str, Any],
    wanted: Mapping[str, bool] | None = None,
    restarts: Mapping[str, int] | None = None,
) -> AsyncIterator[None]:
    """Answer with these processes, each PROCESS but for what it says itself."""
    published = [
        [PROCESS | process for process in processes],
        dict(wanted or {}),
        dict(restarts or {}),
        {},
        {},
    ]
    body = xmlrpc.client.dumps((published,), methodresponse=True).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    path = Path(environment["MAAS_IPC_SOCKET_PATH"]).parent / "supervisor.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    async with await asyncio.start_unix_server(answer, path):
        yield
