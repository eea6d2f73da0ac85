"""What named, chrony and Temporal may answer, and what stands in files of certificates."""

import asyncio
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

import certificates as made
import check_run
import pytest
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import TOKENS, Op, mutate, mutated, ops, vary

from healthcheck.checks import certificates, dns, internal_api, ntp, temporal
from healthcheck.network import cluster_context

ZONES = b'zone "maas" {\n    type master;\n};\nzone "a.example.com" {\n    type primary;\n};\n'
ZONE_TOKENS = (*TOKENS, b"." * 5, b"a" * 70, b"b." * 200, b"x" * 300, b'zone "', "\u00fc".encode())
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
TLS = (b"", SETTINGS, b"HTTP/1.1 400 x\r\n\r\n", b"\x15\x03\x01\0\2\2\50", b"\x16\x03\3\xff\xff\2")


def right_answer(question: bytes) -> bytes:
    """Return what named, or chrony, would answer."""
    if len(question) == 48:
        return bytes([4 << 3 | 4, 8]) + bytes(22) + question[40:48] + bytes(16)
    return question[:2] + b"\x84\0" + question[4:]


@contextmanager
def udp(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """Answer datagrams at a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (received := listening.recvfrom(65536))[0]:
                listening.sendto(answer(received[0]), received[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = int(listening.getsockname()[1])
        yield port
        listening.sendto(b"", ("127.0.0.1", port))
        thread.join()


Datagram = tuple[ModuleType, bytes, list[Op]]


def test_datagrams(
    fuzzer: Fuzzer, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = check_run.target(environment)
    target.dns.mkdir(parents=True)
    runs = {module.__name__: module.CHECK.make(target) for module in (dns, ntp)}
    changes: list[Op] = []
    loop = asyncio.new_event_loop()

    def case(value: Datagram) -> None:
        module, zones, changes[:] = value
        (target.dns / "named.conf.maas").write_bytes(zones)
        failure = loop.run_until_complete(runs[module.__name__]())
        assert check_run.reason(failure).encode()
        if not changes and zones in (ZONES, b""):
            assert bool(failure) == (module is dns and not zones)

    def other(value: Datagram, chance: random.Random) -> Datagram:
        module, zones, _ = value
        place = chance.choice((0, 2, 3, 24, chance.randrange(60)))
        op = chance.choice(("flip", "cut", "delete", "replace")), place, chance.randrange(9), b"x"
        return module, vary(zones, chance, ZONE_TOKENS), [op] * chance.randint(0, 2)

    kept: tuple[Datagram, ...] = (
        (dns, ZONES, []),
        (ntp, b"", []),
        (dns, b'zone "' + b"x" * 300 + b'" {\n type master;', []),
        (dns, b'zone "..." {\n type master;', []),
        (dns, b'zone "' + b"b." * 2000 + b'" {\n type master;', []),
        (dns, b'zone "' + b"b." * 60000 + b'" {\n type master;', []),
    )
    strategy = st.tuples(st.sampled_from((dns, ntp)), mutated((ZONES,), 2, ZONE_TOKENS), ops(3))
    with udp(lambda question: mutate(right_answer(question), changes)[:9000]) as port:
        for module in (dns, ntp):
            monkeypatch.setattr(module, "PORT", port)
        fuzzer.run(case, strategy, kept, other)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_tls_services(
    fuzzer: Fuzzer,
    environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Temporal and apiserver: before their handshake and behind it."""
    made.make(tmp_path / "data/certificates")
    target = check_run.target(environment)
    target.http.mkdir(parents=True)
    (target.http / internal_api.CONFIGURATION).touch()
    context = made.server_context(target.data / "certificates")
    modules = (temporal, certificates, internal_api)
    runs = {module.__name__: module.CHECK.make(target) for module in modules}
    monkeypatch.setattr(certificates, "HANDSHAKE_SECONDS", 1.0)
    loop = asyncio.new_event_loop()
    answer, secured = b"", True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)  # the client has begun
            if secured:
                reader._buffer.clear()  # type: ignore[attr-defined]
            writer.write(answer)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def ask(module: ModuleType, data: bytes, tls: bool) -> None:
        nonlocal answer, secured
        answer, secured = data, tls
        server = tls_server if tls else plain_server
        for each, name in (
            (temporal, "PORT"),
            (internal_api, "PORT"),
            (certificates, "TEMPORAL_PORT"),
        ):
            monkeypatch.setattr(each, name, server.sockets[0].getsockname()[1])
        failure = await runs[module.__name__]()
        assert check_run.reason(failure).encode()

    def other(
        value: tuple[ModuleType, bytes, bool], chance: random.Random
    ) -> tuple[ModuleType, bytes, bool]:
        return chance.choice(modules), vary(value[1], chance), chance.random() < 0.5

    tls_server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    plain_server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    strategy = st.tuples(st.sampled_from(modules), mutated(TLS), st.booleans())
    fuzzer.run(
        lambda value: loop.run_until_complete(ask(*value)),
        strategy,
        ((temporal, SETTINGS, True),),
        other,
        slow=5,
    )
    tls_server.close()
    plain_server.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_certificate_files(fuzzer: Fuzzer, environment: Mapping[str, str], tmp_path: Path) -> None:
    made.make(tmp_path / "data/certificates")
    target = check_run.target(environment)
    directory = target.data / "certificates"
    made.openssl(
        directory,
        *("rsa", "-aes128", "-in", "cluster.key", "-out", "locked.key"),
        *("-passout", "pass:secret"),
    )
    web = target.http / "certs/regiond-proxy.pem"
    web.parent.mkdir(parents=True)
    names = ("cacerts.pem", "cluster.pem", "cluster.key")
    whole = {name: (directory / name).read_bytes() for name in (*names, "locked.key")}
    pem = (*TOKENS, b"-----BEGIN X-----\n", b"-----END X-----\n", b"ENCRYPTED ", b"\n\n")

    def case(value: tuple[str, bytes]) -> None:
        name, content = value
        for each in names:
            (directory / each).write_bytes(content if each == name else whole[each])
        web.write_bytes(content)
        for make in (
            lambda: cluster_context(directory),
            lambda: certificates._context("web", target),
        ):
            with suppress(OSError, ssl.SSLError):
                make()

    def other(value: tuple[str, bytes], chance: random.Random) -> tuple[str, bytes]:
        return value[0], vary(value[1], chance, pem)

    files = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), mutated((whole[name], whole["locked.key"]), 3, pem))
    )
    fuzzer.run(case, files, (("cluster.key", whole["locked.key"]),), other)
