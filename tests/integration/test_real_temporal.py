"""The check `temporal` on a real Temporal server, behind TLS as MAAS has it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import certificates
import check_run
import pytest
from unused_port import unused_port

from healthcheck.checks import temporal

SERVER = Path(sys.executable).with_name("temporal")


@asynccontextmanager
async def real_server(port: int) -> AsyncIterator[None]:
    command = [SERVER, "server", "start-dev", "--headless", f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def behind_tls(directory: Path, port: int) -> AsyncIterator[int]:
    """Pass on to that port what comes with a certificate of the cluster's."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                writer.write(data)
        except OSError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    context = certificates.server_context(directory)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


def test_a_real_temporal_server(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = unused_port()
    directory = Path(environment["MAAS_ROOT"]) / "certificates"
    certificates.make(directory)

    async def run() -> tuple[str, str]:
        async with behind_tls(directory, port) as tls_port:
            monkeypatch.setattr(temporal, "PORT", tls_port)
            async with real_server(port):
                up = await check_run.run(temporal.CHECK, environment)
            down = await check_run.run(temporal.CHECK, environment)
        return check_run.reason(up), check_run.reason(down)

    up, down = asyncio.run(run())
    assert up == "passed"
    assert down.startswith("Temporal does not answer on port")
