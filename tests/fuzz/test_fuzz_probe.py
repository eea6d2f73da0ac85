"""The probe, and whoever answers in the monitor's place."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from answering import Answering, answering
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import mutated
from pid1 import ROOT
from wire import Sent, answers, sent, vary_sent

PROBE = ROOT / "healthcheck/probe.py"
PLACES = ('"/run/maas/healthcheck.sock"', "TIMEOUT_SECONDS = 4.0")
SECONDS = 0.3
LINES = mutated((b"healthy: 17 checks passed\n", b"unhealthy: dns: no answer\n", b'{"state": 1}\n'))
CASES = st.builds(sent, answers(LINES), st.lists(st.integers(0, 999), max_size=3), st.just(False))
KEPT = (
    Sent((b"HTTP/1.1 200 OK\r\n\r\nhealthy\n",)),
    Sent((b"HTTP/1.1 " + b"9" * 5000 + b"\r\n\r\nhealthy\n",)),
    Sent((b"x" * 2**21,)),
    Sent((b"HTTP/1.1 200 OK\r\n\r\nhealthy \xed\xa0\x80\n",)),
)


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    """Copy the probe, to ask a socket of the test's own."""
    source = PROBE.read_text()
    places = (repr(str(tmp_path / "s")), f"TIMEOUT_SECONDS = {SECONDS}")
    for shipped, instead in zip(PLACES, places, strict=True):
        assert shipped in source
        source = source.replace(shipped, instead)
    path = tmp_path / "probe.py"
    path.write_text(source)
    return path


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Answering]:
    with answering(tmp_path / "s") as server:
        yield server


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("copied_probe", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_probe(fuzzer: Fuzzer, probe: Path, monitor: Answering) -> None:
    """It takes an answer or refuses it, within its time."""
    module = load(probe)

    def case(value: Sent) -> None:
        monitor.answer = value.parts
        begun = time.monotonic()
        try:
            status, text = module.ask("/probe")
        except (OSError, ValueError, IndexError):
            pass
        else:
            assert text.encode()
            data = b"".join(value.parts)
            assert status == (0 if int(data.partition(b"\r\n\r\n")[0].split()[1]) == 200 else 1)
        assert time.monotonic() - begun < SECONDS + 2

    fuzzer.run(case, CASES, KEPT, vary_sent)


def test_probe_as_docker_runs_it(fuzzer: Fuzzer, probe: Path, monitor: Answering) -> None:
    def case(value: Sent) -> None:
        monitor.answer = value.parts
        done = subprocess.run(
            [sys.executable, "-IS", str(probe), *(["--json"] if value.stalls else [])],
            capture_output=True,
            timeout=SECONDS + 5,
            check=False,
        )
        assert done.returncode in (0, 1)
        assert done.stderr == b""
        said = done.stdout.decode()
        assert said
        if "does not answer" in said and value.stalls:
            assert json.loads(said)["healthy"] is False

    fuzzer.run(case, CASES, KEPT, vary_sent, slow=10)
