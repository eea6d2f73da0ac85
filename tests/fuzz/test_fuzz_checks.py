"""What MAAS answers the checks by HTTP, and what it writes for its services."""

import asyncio
import json
import random
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import check_run
import pytest
from answering import answering
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import TOKENS, json_bytes, mutated, vary, vary_json
from wire import answers, vary_answer

from healthcheck import region_files
from healthcheck.checks import api, apply, certificates, event_loops, proxy, regiond, syslog
from healthcheck.network import unix_client

LOOPS = {"eventloops": {"maas:pid=1": [["127.0.0.1", 5250], ["::1", 5251]], "other:pid=2": []}}
OK = b"HTTP/1.1 200 OK\r\n\r\n"
BODIES = json_bytes(LOOPS) | st.sampled_from([b"", b'{"version": "3.5.13"}', b"[" * 9999])
MODULES = (api, event_loops, event_loops, proxy, regiond)
KEPT = (
    (event_loops, OK + b"[" * 100_000),
    (event_loops, OK + b'{"eventloops": {"a": [["127.0.0.1", Infinity]]}}'),
    (event_loops, OK + b'{"eventloops": {"a": [["localhost", 5250]]}}'),
    (event_loops, OK + b'{"eventloops": {"a": [["\\u0000", 5250]]}}'),
    (event_loops, OK + b'{"eventloops": {"a": [["::1", 1e999]]}}'),
    (api, b"HTTP/1.1 302 x\r\nLocation: https://h:99999/\r\n\r\n"),
    (api, b"HTTP/1.1 302 x\r\nLocation: https://h:5443/\r\n\r\n"),
    (api, b"HTTP/1.1 302 x\r\nLocation: http://[::1/x\r\n\r\n"),
    (api, b"HTTP/1.1 304 x\r\nLocation: http://h::1/\r\n\r\n"),
)
PORT_PATTERNS = (certificates.TLS_PORT, proxy.HTTP_PORT, syslog.TCP_PORT)
FILES = (
    b'input(\n  type="imtcp" port="5247"\n)\n',
    b"http_port 3128 transparent\nhttp_port 8000\nhttp_access allow all\n",
    b"server {\n    listen 5240;\n    listen [::]:5443 ssl http2;\n    listen 5443 ssl;\n",
)
NUMBERS = (*TOKENS, b"0", b"65536", b"99999", "\u0663".encode(), b'port="')
REPORT = {
    "state": "done",
    "started": 10.0,
    "finished": 12.5,
    "settings": {"MAAS_SETTING_maas_name": {"result": "set", "detail": "x"}},
}
REPORTS = (REPORT, REPORT | {"state": "failed", "error": "no key"})


def test_checks_by_http(
    fuzzer: Fuzzer, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check passes, or says why it does not."""
    target = check_run.target(environment)
    worker = target.first_worker

    def through_worker(timeout: float, base_url: str = "") -> object:
        client = unix_client(worker, timeout)
        client.base_url = base_url or client.base_url
        return client

    for module in (api, proxy, regiond):
        monkeypatch.setattr(module, "local_client", through_worker)
    runs = {module.__name__: module.CHECK.make(target) for module in MODULES}
    loop = asyncio.new_event_loop()

    def case(value: tuple[ModuleType, bytes]) -> None:
        module, answer = value
        server.answer = (answer,)
        failure = loop.run_until_complete(runs[module.__name__]())
        assert check_run.reason(failure).encode()

    def other(value: tuple[ModuleType, bytes], chance: random.Random) -> tuple[ModuleType, bytes]:
        return chance.choice(MODULES), vary_answer(value[1], chance)

    with answering(worker) as server:
        fuzzer.run(case, st.tuples(st.sampled_from(MODULES), answers(BODIES)), KEPT, other)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_ports_in_files(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """What regiond has written is a port, or nothing that can be used."""
    file = tmp_path / "regiond.conf"

    def case(content: bytes) -> None:
        file.write_bytes(content)
        for pattern in PORT_PATTERNS:
            port = region_files.find_port(pattern, file)
            assert port is None or 0 < port < 65536

    def other(content: bytes, chance: random.Random) -> bytes:
        return vary(content, chance, NUMBERS)

    kept = tuple(content.replace(b"5", b"9" * 5000) for content in FILES)
    fuzzer.run(case, mutated(FILES, tokens=NUMBERS), kept, other)


def test_apply_report(fuzzer: Fuzzer, environment: Mapping[str, str]) -> None:
    target = check_run.target(environment)
    target.run.mkdir(parents=True)
    look = apply.CHECK.make(target)
    loop = asyncio.new_event_loop()

    def case(content: bytes) -> None:
        (target.run / "apply.json").write_bytes(content)
        failure = loop.run_until_complete(look())
        assert check_run.reason(failure).encode()
        assert failure is None or failure.public.encode()

    kept: tuple[bytes, ...] = (
        b"[" * 100_000,
        json.dumps(REPORT | {"started": 10**400}).encode(),
        json.dumps(REPORT | {"state": "failed", "error": "\udcff"}).encode(),
        json.dumps(REPORT | {"settings": {"MAAS_SETTING_\udcff": {"result": "refused"}}}).encode(),
    )
    fuzzer.run(case, json_bytes(*REPORTS), kept, vary_json)
    loop.close()


def test_what_rsyslog_has_passed_on(fuzzer: Fuzzer, tmp_path: Path) -> None:
    file = tmp_path / syslog.RECEIVED
    token = "0123456789abcdef"
    loop = asyncio.new_event_loop()

    def case(content: bytes) -> None:
        file.write_bytes(content + token.encode())
        assert loop.run_until_complete(syslog._arrives(file, token))

    fuzzer.run(case, mutated((b"older\n 0123\n",)), (b"\xff",), vary)
    loop.close()
