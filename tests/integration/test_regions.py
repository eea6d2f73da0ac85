from pathlib import Path

import psycopg
import pytest
from database_server import PASSWORD

from maas_init.errors import DatabaseUnavailable
from maas_init.report import Report, Step
from maas_init.steps import database as database_step
from maas_init.steps import regions
from settings import Settings


@pytest.fixture
def step() -> Step:
    return Step(Report(None), {"name": "test"})


@pytest.fixture
def maas_id(tmp_path: Path) -> Path:
    path = tmp_path / "maas_id"
    path.write_text("abc123\n")
    return path


def region(settings: Settings, identity: str = "abc123") -> psycopg.Connection:
    return psycopg.connect(
        **settings.connection_parameters(),
        application_name=f"maas-regiond-{identity}",
        autocommit=True,
    )


def test_a_running_region_is_waited_for_and_named(
    database: Settings, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = region(database)
    with database_step.connect(database) as connection:
        monkeypatch.setattr(regions, "WAIT_SECONDS", 0.0)
        with pytest.raises(DatabaseUnavailable, match="maas-regiond-abc123 at 127"):
            regions.wait_until_gone(connection, step)
        monkeypatch.setattr(regions, "WAIT_SECONDS", 30.0)
        regions.wait_until_gone(connection, step, 0.0, lambda _seconds: running.close())


def test_a_region_that_comes_a_moment_later_is_seen(
    database: Settings, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "WAIT_SECONDS", 0.5)
    came = []

    def sleep(_seconds: float) -> None:
        came.append(region(database))
        monkeypatch.setattr(regions, "WAIT_SECONDS", 0.0)

    with (
        database_step.connect(database) as connection,
        pytest.raises(DatabaseUnavailable, match="maas-regiond-abc123"),
    ):
        regions.wait_until_gone(connection, step, 3.0, sleep)
    came[0].close()


def test_another_region_is_seen_and_let_be(database: Settings, step: Step, maas_id: Path) -> None:
    other = region(database, "xyz789")
    with database_step.connect(database) as connection:
        found = regions.refuse_twin(connection, maas_id, step)
        assert found == ["maas-regiond-xyz789 at 127.0.0.1"]
        maas_id.unlink()  # a new volume
        assert regions.refuse_twin(connection, maas_id, step) == found
    other.close()


def test_a_second_container_on_a_region_s_volume_is_refused(
    database: Settings, step: Step, maas_id: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "SETTLE_SECONDS", 0.1)
    running = region(database)
    with (
        database_step.connect(database) as connection,
        pytest.raises(DatabaseUnavailable, match="has this volume's identity"),
    ):
        regions.refuse_twin(
            connection, maas_id, step, lambda _s: running.execute("SELECT 1") and None
        )
    running.close()


def test_connections_that_a_crash_left_behind_are_no_region(
    database: Settings, step: Step, maas_id: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(regions, "WAIT_SECONDS", 0.3)
    silent = region(database)
    with database_step.connect(database) as connection:
        assert regions.refuse_twin(connection, maas_id, step) == []
    silent.close()


AS_POSTGRES = {"user": "postgres", "password": PASSWORD}


@pytest.mark.parametrize(
    "session",
    [
        {"application_name": "psql"},
        {"application_name": ""},
        {"application_name": "maas-regiond-x"} | AS_POSTGRES,
    ],
)
def test_a_restore_is_refused_while_somebody_uses_the_database(
    database: Settings, step: Step, monkeypatch: pytest.MonkeyPatch, session: dict[str, str]
) -> None:
    monkeypatch.setattr(regions, "GONE_WITHIN_SECONDS", 0.0)
    with (
        database_step.connect(database) as connection,
        psycopg.connect(**database.connection_parameters() | session),
        pytest.raises(DatabaseUnavailable, match="Stop MAAS first"),
    ):
        regions.wait_until_unused(connection, step)


@pytest.mark.parametrize("session", [{"application_name": "maas-init"}, AS_POSTGRES])
def test_a_restore_does_not_mind_init_and_what_is_not_maas_s(
    database: Settings, step: Step, session: dict[str, str]
) -> None:
    with (
        database_step.connect(database) as connection,
        psycopg.connect(**database.connection_parameters() | session),
    ):
        regions.wait_until_unused(connection, step)
