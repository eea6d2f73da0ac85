"""The monitor's port 9568 and its socket for the probe, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import pytest
from clients import STATUS, Clients, read, unix
from eventually import eventually
from fuzzing import Fuzzer, Vitals
from hypothesis import strategies as st
from mutation import TOKENS, mutated
from pid1 import ROOT
from unused_port import unused_port
from wire import Sent, requests, vary_sent

PATHS = (
    b"/",
    b"/metrics",
    b"/livez",
    b"/readyz?verbose",
    b"/startupz",
    b"/probe",
    b"/table",
    b"/json",
)
TARGETS = st.sampled_from(PATHS) | mutated(
    PATHS, 2, (*TOKENS, b"?", b"&", b"verbose", b"http://h/")
)
METHODS = (b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"CONNECT", b"OPTIONS", b"PRI", b"get", b"")
REQUESTS = requests(METHODS, TARGETS, st.binary(max_size=50))
REPORT = {"state": "running", "steps": [{"name": "settings", "state": "running"}], "versions": {}}
SANE = b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n"
ANSWERS = (200, 503)
REFUSALS = (400, 404, 405, 413, 414, 431, 501)


@dataclass
class Monitor:
    pid: int
    port: int
    socket: str
    log: Path


@pytest.fixture
def monitor(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Monitor]:
    run = Path(environment["MAAS_IPC_SOCKET_PATH"]).parent
    run.mkdir(parents=True)
    (run / "init.json").write_text(json.dumps(REPORT))
    port = unused_port()
    settings = {
        "MAAS_URL": "http://h/MAAS",
        "POSTGRES_PASSWORD": "p-1",
        "MAAS_HEALTH_LISTEN": f"127.0.0.1:{port}",
    }
    log = tmp_path / "monitor.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "healthcheck", "serve"],
            cwd=ROOT,
            env=os.environ | environment | settings,
            stdout=output,
            stderr=output,
        )
    socket = str(run / "healthcheck.sock")
    clients = Clients(lambda: create_connection(("127.0.0.1", port)))
    eventually(lambda: clients.ask(SANE % b"livez"), 60)
    yield Monitor(process.pid, port, socket, log)
    with clients.connected():  # who is there still
        assert clients.ask(SANE % b"livez")
        process.terminate()
        assert process.wait(10) == 0
    assert "Traceback" not in log.read_text()


def fuzz(fuzzer: Fuzzer, clients: Clients, monitor: Monitor, sane: bytes) -> None:
    def case(value: Sent) -> None:
        client = clients.send(value)
        if not value.stalls:
            answer = read(client)
            if answer:
                status = STATUS.match(answer)
                assert status, answer
                assert int(status[1]) in (*ANSWERS, *REFUSALS)
                head, _, body = answer.partition(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].split()[0])
                assert len(body) == length or (not body and b"HEAD" in b"".join(value.parts))
        clients.let_go(client, value.stalls)
        assert clients.ask(SANE % sane).startswith(b"HTTP/1.1 503 ")
        assert b"Traceback" not in log.read()

    with monitor.log.open("rb") as log:
        kept = (Sent((b"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n",)),)
        fuzzer.run(case, REQUESTS, kept, vary_sent, Vitals(monitor.pid, before=clients.close))
    clients.close()


def test_9568(fuzzer: Fuzzer, monitor: Monitor) -> None:
    clients = Clients(lambda: create_connection(("127.0.0.1", monitor.port)))
    fuzz(fuzzer, clients, monitor, b"livez")


def test_probes_socket(fuzzer: Fuzzer, monitor: Monitor) -> None:
    fuzz(fuzzer, Clients(lambda: unix(monitor.socket)), monitor, b"probe")
