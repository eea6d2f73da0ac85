import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import check_run

from healthcheck.checks import syslog


def test_both_ways_in_are_asked(environment: Mapping[str, str]) -> None:
    directory = Path(environment["MAAS_SYSLOG_CONFIG_DIR"])
    (directory / "rsyslog").mkdir(parents=True)

    def ask() -> str:
        return check_run.reason(asyncio.run(check_run.run(syslog.CHECK, environment)))

    with socket.socket() as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        (directory / "rsyslog.conf").write_text(f'input(type="imtcp" port="{port}")')
        assert ask().startswith(f"rsyslog does not listen on port {port}")
        server.listen()
        assert "log.sock" in ask()
        local.bind(str(directory / "rsyslog/log.sock"))
        assert ask() == "passed"
