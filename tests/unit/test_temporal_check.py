import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import certificates
import check_run
import pytest

from healthcheck.checks import temporal

SETTINGS = bytes([0, 0, 0, temporal.SETTINGS, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates") / "of-this-cluster"
    certificates.make(directory)
    return directory


def ask(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    servers: Path,
    clients: Path,
    answer: bytes,
) -> str:
    """Ask a server that wants a certificate of its own CA, with MAAS's certificates."""
    data = Path(environment["MAAS_ROOT"])
    data.mkdir()
    (data / "certificates").symlink_to(clients)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    context = certificates.server_context(servers)
    return check_run.ask_tls_service(temporal, environment, monkeypatch, serve, context)


def test_http_2(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, made: Path
) -> None:
    assert ask(environment, monkeypatch, made, made, SETTINGS) == "passed"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"HTTP/1.1 400", "does not speak HTTP/2"), (b"", "does not answer on port")],
)
def test_something_else(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    made: Path,
    answer: bytes,
    reason: str,
) -> None:
    assert reason in ask(environment, monkeypatch, made, made, answer)


def test_certificates_of_another_database(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, made: Path, tmp_path: Path
) -> None:
    certificates.make(tmp_path / "other")
    answer = ask(environment, monkeypatch, made, tmp_path / "other", SETTINGS)
    assert "do not agree on TLS" in answer


def test_nobody_is_asked_for_the_password_of_a_key(made: Path, tmp_path: Path) -> None:
    """OpenSSL would wait for it, on a terminal, or at PID 1's pipe, which nobody ever closes."""
    for name in ("cacerts.pem", "cluster.pem"):
        (tmp_path / name).symlink_to(made / name)
    locked = ("-aes128", "-passout", "pass:x", "-out", str(tmp_path / "cluster.key"))
    certificates.openssl(made, "rsa", "-in", "cluster.key", *locked)
    source = (
        "import pathlib, sys; from healthcheck.network import cluster_context;"
        "cluster_context(pathlib.Path(sys.argv[1]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # without a terminal
    )
    with process:
        try:
            assert process.wait(10) == 1
        finally:
            process.kill()
        assert process.stderr
        assert b"SSLError" in process.stderr.read()


def test_no_certificates_yet(environment: Mapping[str, str]) -> None:
    failure = asyncio.run(check_run.run(temporal.CHECK, environment))
    assert "certificates cannot be used" in check_run.reason(failure)
