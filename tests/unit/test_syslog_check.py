import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.checks import syslog


def test_the_whole_way_of_a_line_is_looked_at(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "RECEIVED_WITHIN_SECONDS", 0.2)
    directory = Path(environment["MAAS_SYSLOG_CONFIG_DIR"])
    (directory / "rsyslog").mkdir(parents=True)
    received = Path(environment["MAAS_IPC_SOCKET_PATH"]).with_name(syslog.RECEIVED)
    received.parent.mkdir(parents=True)

    async def pass_on(local: socket.socket) -> None:
        line = await asyncio.get_running_loop().sock_recv(local, 1024)
        received.write_bytes(b"an older line\n" + line.partition(b": ")[2] + b"\n")

    async def run(local: socket.socket | None) -> str:
        rsyslog = asyncio.create_task(pass_on(local)) if local else None
        failure = await check_run.run(syslog.CHECK, environment)
        if rsyslog:
            rsyslog.cancel()
        return check_run.reason(failure)

    with socket.socket() as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
        local.setblocking(False)
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        (directory / "rsyslog.conf").write_text(f'input(type="imtcp" port="{port}")')
        assert asyncio.run(run(None)).startswith(f"rsyslog does not listen on port {port}")
        server.listen()
        assert "log.sock" in asyncio.run(run(None))
        local.bind(str(directory / "rsyslog/log.sock"))
        assert "does not pass on" in asyncio.run(run(None))
        local.recv(1024)
        assert asyncio.run(run(local)) == "passed"
        monkeypatch.setattr(syslog, "LONGEST_BYTES", 10)
        assert asyncio.run(run(local)) == "passed"
        assert received.read_text() == ""
