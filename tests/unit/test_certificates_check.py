"""Certificates as their clients see them, by TLS with servers in Temporal's and nginx's place."""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import certificates as made
import check_run
import pytest

from healthcheck.check import Target
from healthcheck.checks import certificates

DAY = 24 * 3600


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates") / "of-this-cluster"
    made.make(directory)  # openssl's 30 days, less than what is early
    return directory


def web(directory: Path, days: int) -> None:
    """Make the certificate that `config_tls` has been given, as MAAS lays it down."""
    directory.mkdir(parents=True)
    made.openssl(
        directory,
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj=/CN=maas.example.com"),
        *("-keyout", "regiond-proxy-key.pem", "-out", "regiond-proxy.pem", "-days", str(days)),
    )


async def look(
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
    clusters: Path | None = None,
    webs: Path | None = None,
) -> str:
    """Serve with the certificates of these directories, and run the check."""
    async with AsyncExitStack() as stack:

        async def listen(context: ssl.SSLContext) -> int:
            server = await asyncio.start_server(
                lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
            )
            await stack.enter_async_context(server)
            return int(server.sockets[0].getsockname()[1])

        if clusters:
            port = await listen(made.server_context(clusters))
            monkeypatch.setattr(certificates, "TEMPORAL_PORT", port)
        if webs:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(webs / "regiond-proxy.pem", webs / "regiond-proxy-key.pem")
            port = await listen(context)
            (target.http / "regiond.nginx.conf").write_text(
                f"    listen 5240;\n    listen [::]:{port} ssl http2;\n    listen {port} ssl;\n"
            )
        return check_run.reason(await certificates.CHECK.make(target)())


@pytest.fixture
def target(environment: Mapping[str, str], cluster: Path) -> Target:
    target = check_run.target(environment)
    target.data.mkdir()
    (target.data / "certificates").symlink_to(cluster)
    return target


def test_the_clusters(target: Target, monkeypatch: pytest.MonkeyPatch, cluster: Path) -> None:
    monkeypatch.setattr(certificates, "EARLY_DAYS", 20)
    assert asyncio.run(look(target, monkeypatch, clusters=cluster)) == "passed"
    expiries = target.readings[certificates.READING]
    assert isinstance(expiries, dict)
    assert abs(expiries["cluster"] - time.time() - 30 * DAY) < 3600
    monkeypatch.setattr(certificates, "EARLY_DAYS", 31)
    reason = asyncio.run(look(target, monkeypatch, clusters=cluster))
    assert reason.startswith("the cluster certificate expires in 30 days")


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (365, "passed"),
        (5, "the web certificate expires in 5 days (docker compose exec maas maas-region"),
        (-1, "the web certificate has expired"),
    ],
)
def test_maass_own_tls(
    target: Target, monkeypatch: pytest.MonkeyPatch, days: int, reason: str
) -> None:
    directory = target.http / "certs"
    if days > 0:
        web(directory, days)
    else:
        _expired(directory)
    assert asyncio.run(look(target, monkeypatch, webs=directory)).startswith(reason)


def test_nginx_still_has_another_one(
    target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    web(target.http / "certs", 365)
    web(tmp_path / "other", 365)
    reason = asyncio.run(look(target, monkeypatch, webs=tmp_path / "other"))
    assert reason.startswith("the web certificate is not the one that MAAS has written")


def test_a_server_that_hangs_is_not_the_certificates_fault(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "HANDSHAKE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(certificates, "TEMPORAL_PORT", silent.getsockname()[1])
        assert asyncio.run(look(target, monkeypatch)) == "passed"


def test_where_nobody_answers_others_say_so(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "TEMPORAL_PORT", 1)
    assert asyncio.run(look(target, monkeypatch)) == "passed"
    assert target.readings[certificates.READING] == {}


def _expired(directory: Path) -> None:
    """Make a certificate of a year that is over (`openssl req -days` takes none below 0)."""
    web(directory, 1)
    (directory / "index.txt").touch()
    (directory / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    key = ("-keyout", "regiond-proxy-key.pem", "-out", "request.pem")
    made.openssl(
        directory,
        *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj=/CN=maas.example.com", *key),
    )
    made.openssl(
        directory,
        *("ca", "-batch", "-selfsign", "-config", "ca.cnf", "-in", "request.pem"),
        *("-keyfile", "regiond-proxy-key.pem", "-out", "regiond-proxy.pem"),
        *("-startdate", "20240101000000Z", "-enddate", "20250101000000Z", "-notext"),
    )
