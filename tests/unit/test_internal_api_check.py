import asyncio
from collections.abc import Mapping
from pathlib import Path

import certificates
import check_run
import pytest

from healthcheck.checks import internal_api


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates") / "of-this-cluster"
    certificates.make(directory)
    return directory


@pytest.fixture
def region(environment: Mapping[str, str], made: Path) -> Mapping[str, str]:
    """Give a region of 3.6 or newer."""
    data, http = Path(environment["MAAS_ROOT"]), Path(environment["MAAS_HTTP_CONFIG_DIR"])
    http.mkdir(parents=True)
    (http / internal_api.CONFIGURATION).touch()
    (data / "certificates").symlink_to(made)
    return environment


def ask(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, servers: Path | None
) -> str:
    """Ask a server that wants a certificate of its own CA, or one that closes at once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not servers:
            writer.close()

    context = certificates.server_context(servers) if servers else None
    return check_run.ask_tls_service(internal_api, environment, monkeypatch, serve, context)


def test_a_server_of_the_cluster(
    region: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, made: Path
) -> None:
    assert ask(region, monkeypatch, made) == "passed"


def test_nginx_without_apiserver(
    region: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "apiserver does not answer on port" in ask(region, monkeypatch, None)


def test_a_server_of_another_cluster(
    region: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificates.make(tmp_path / "other")
    assert "does not answer" in ask(region, monkeypatch, tmp_path / "other")


def test_a_region_that_has_none(environment: Mapping[str, str]) -> None:
    failure = asyncio.run(check_run.run(internal_api.CHECK, environment))
    assert check_run.reason(failure) == "passed"
