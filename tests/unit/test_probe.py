"""The probe, run as Docker runs it, against what may stand in the monitor's place."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[2] / "healthcheck/probe.py"
SOCKET = "/run/maas/healthcheck.sock"
GOOD = b"HTTP/1.1 200 OK\r\n\r\nhealthy: all is well\n"
BAD = b"HTTP/1.1 503 x\r\n\r\nunhealthy: dns: no answer\n"


def probe(
    directory: Path, serve: Callable[[socket.socket], None] | None, *arguments: str
) -> tuple[int, str]:
    """Run the probe with a socket of the test's own, on which one connection is served."""
    path = directory / "healthcheck.sock"
    copy = directory / "probe.py"
    source = PROBE.read_text()
    assert SOCKET in source
    copy.write_text(source.replace(SOCKET, str(path)).replace("_SECONDS = 4.0", "_SECONDS = 0.5"))

    def accept(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            assert serve
            serve(connection)

    with socket.socket(socket.AF_UNIX) as listening:
        if serve:
            listening.bind(str(path))
            listening.listen()
            threading.Thread(target=accept, args=(listening,), daemon=True).start()
        done = subprocess.run(
            [sys.executable, "-IS", str(copy), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
        )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout


def dribble(connection: socket.socket) -> None:
    """Send a byte now and then, for longer than the probe may take."""
    try:
        for _ in range(30):
            connection.sendall(b"x")
            time.sleep(0.1)
    except OSError:
        pass


def test_the_monitors_word_is_the_probes(tmp_path: Path) -> None:
    assert probe(tmp_path, lambda c: c.sendall(GOOD)) == (0, "healthy: all is well\n")


def test_for_scripts_it_is_json_even_without_a_monitor(tmp_path: Path) -> None:
    status, text = probe(tmp_path, None, "--json")
    assert status == 1
    answer = json.loads(text)
    assert (answer["state"], answer["healthy"]) == ("unhealthy", False)
    assert "does not answer" in answer["reasons"][0]


def test_a_pipe_that_nobody_reads_ends_in_1(tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            [sys.executable, "-IS", str(PROBE)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_unhealthy(tmp_path: Path) -> None:
    assert probe(tmp_path, lambda c: c.sendall(BAD)) == (1, "unhealthy: dns: no answer\n")


@pytest.mark.parametrize(
    "serve",
    [
        None,
        lambda c: None,
        lambda c: c.sendall(b"rubbish"),
        lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
        lambda c: c.sendall(b"HTTP/1.1 2\xff0 OK\r\n\r\nx\n"),
        lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n\r\n\xff\n"),
        lambda c: time.sleep(2),
        dribble,
    ],
)
def test_whatever_else_is_unhealthy(
    tmp_path: Path, serve: Callable[[socket.socket], None] | None
) -> None:
    begun = time.monotonic()
    status, text = probe(tmp_path, serve)
    assert status == 1
    assert text.startswith("unhealthy: the monitor does not answer")
    assert time.monotonic() - begun < 2
