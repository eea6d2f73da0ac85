import dataclasses
import shutil
import time
from pathlib import Path
from threading import Timer

import pytest

from maas_init.errors import MigrationFailed
from maas_init.packaged import Packaged
from maas_init.report import Report, Step
from maas_init.steps import database as database_step
from maas_init.steps import dump, migrate, state
from maas_init.steps.database import Connection
from maas_init.steps.state import State
from settings import Settings

BEHIND = state.Found(State.BEHIND, "")
PACKAGED = Packaged(frozenset())


@pytest.fixture
def step() -> Step:
    return Step(Report(None), {"name": "migrate"})


@pytest.fixture
def connection(database: Settings) -> Connection:
    return database_step.connect(database)


def test_a_dump_can_be_restored_and_old_ones_go(
    connection: Connection, database: Settings, step: Step, tmp_path: Path
) -> None:
    connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    for stamp in ("20260101T000000Z", "20260201T000000Z", "20260301T000000Z"):
        (tmp_path / f"maasdb-{stamp}.dump").touch()
    (tmp_path / "maasdb.partial").touch()  # of a dump that was killed
    (tmp_path / "maasdb-other-20260101T000000Z.dump").touch()  # of another database
    path = dump.make(connection, database, tmp_path, step)
    assert path.stat().st_mode & 0o777 == 0o600
    dump.tidy(connection, dataclasses.replace(database, maas_backups_kept=2), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "maasdb-20260301T000000Z.dump",
        path.name,
        "maasdb-other-20260101T000000Z.dump",
    ]


def test_a_migration_that_fails_again_and_again_keeps_the_first_dump(
    connection: Connection,
    database: Settings,
    step: Step,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nothing.to.migrate")
    for _ in range(3):
        with pytest.raises(MigrationFailed, match="cannot migrate the database") as caught:
            migrate.migrate(connection, database, PACKAGED, BEHIND, tmp_path, step)
    (path,) = tmp_path.glob("*.dump")
    assert "createdb --username=maas -- maasdb_before" in caught.value.details[1]
    assert str(path) in caught.value.details[2]
    assert dump.unfinished(tmp_path) == path
    connection.execute("CREATE TABLE django_migrations ()")  # as after a restore: not that database
    time.sleep(1)  # the name has the second
    assert dump.make_once(connection, database, tmp_path, step) != path
    path.unlink()
    path = dump.unfinished(tmp_path)
    assert path
    dump.tidy(connection, database, tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_dump_that_cannot_be_taken_says_so_and_leaves_nothing(
    connection: Connection,
    database: Settings,
    step: Step,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = dataclasses.replace(database, postgres_password="wrong")
    with pytest.raises(MigrationFailed, match="MAAS_MIGRATE_WITHOUT_DUMP") as caught:
        dump.make(connection, wrong, tmp_path, step)
    assert "password authentication failed" in str(caught.value)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(MigrationFailed, match="has only 0 MB free after 0 MB of the dump"):
        dump.make(connection, database, tmp_path, step)
    assert list(tmp_path.iterdir()) == []


def test_without_a_dump_only_when_told(
    connection: Connection,
    database: Settings,
    step: Step,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nothing.to.migrate")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(MigrationFailed, match="cannot dump the database"):
        migrate.migrate(connection, database, PACKAGED, BEHIND, tmp_path, step)
    told = dataclasses.replace(database, maas_migrate_without_dump=True)
    with pytest.raises(MigrationFailed, match="cannot migrate the database") as caught:
        migrate.migrate(connection, told, PACKAGED, BEHIND, tmp_path, step)
    assert "Migrating without one" in caplog.text
    assert caught.value.details == ()


def test_a_database_that_goes_away_ends_the_migration(
    connection: Connection,
    database: Settings,
    step: Step,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrate.maas_command, "django", lambda _command: ["sleep", "60"])
    monkeypatch.setattr(migrate.maas_command, "TICK_SECONDS", 0.1)

    def cut_off(backend: int = connection.info.backend_pid) -> None:
        with database_step.connect(database) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [backend])

    Timer(0.5, cut_off).start()
    empty = state.Found(State.EMPTY, "")
    with pytest.raises(MigrationFailed, match="terminating connection"):
        migrate.migrate(connection, database, PACKAGED, empty, tmp_path, step)
    assert database_step.is_gone(connection)
