import dataclasses
import logging
from pathlib import Path

import psycopg
import pytest
from database_server import Server

from maas_init.errors import DatabaseRefused, DatabaseUnavailable, MigrationFailed
from maas_init.report import Report, Step
from maas_init.steps import admin, lock, migrate, state
from maas_init.steps import database as database_step
from maas_init.steps.state import State
from settings import Settings

PACKAGED = frozenset(
    {("maasserver", "0001_initial"), ("maasserver", "0002_more"), ("auth", "0001")}
)


@pytest.fixture
def step() -> Step:
    return Step(Report(None), {"name": "test"})


def connect(settings: Settings) -> database_step.Connection:
    return database_step.connect(settings)


def test_connects_and_tells_the_version(database: Settings, step: Step) -> None:
    with database_step.wait(database, step) as connection:
        version, warnings = database_step.check_versions(connection)
        assert version.split(".")[0].isdecimal()
        assert warnings == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"POSTGRES_PASSWORD": "wrong"}, "POSTGRES_PASSWORD"),
        ({"POSTGRES_DB": "nothing"}, "CREATE DATABASE nothing OWNER"),
        ({"POSTGRES_USER": "nobody"}, "POSTGRES_PASSWORD"),  # the server tells no more
    ],
)
def test_a_refusal_is_not_tried_again(
    server: Server, step: Step, changes: dict[str, str], words: str
) -> None:
    def sleep(_seconds: float) -> None:
        raise AssertionError("tried again")

    with pytest.raises(DatabaseRefused) as caught:
        database_step.wait(server.settings(**changes), step, sleep)
    assert words in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert "the server says: " in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"POSTGRES_PORT": "1"}, {"POSTGRES_HOST": "no-such-host.invalid"}]
)
def test_what_may_come_is_waited_for(server: Server, step: Step, changes: dict[str, str]) -> None:
    with pytest.raises(DatabaseUnavailable, match="MAAS_DB_WAIT"):
        database_step.wait(server.settings(**changes, MAAS_DB_WAIT="1"), step)


def test_a_server_that_comes_late_is_found(server: Server, database: Settings, step: Step) -> None:
    server.stop()
    delays = []

    def sleep(seconds: float) -> None:
        delays.append(seconds)
        server.start()

    database_step.wait(database, step, sleep).close()
    assert len(delays) == 1


def test_one_at_a_time(database: Settings, step: Step) -> None:
    first = connect(database)
    lock.acquire(first, step)
    waits = 0

    def sleep(_seconds: float) -> None:
        nonlocal waits
        waits += 1
        first.close()  # a holder that dies frees it

    with connect(database) as second:
        lock.acquire(second, step, sleep)
    assert waits >= 1


def fill(connection: database_step.Connection, migrations: frozenset[tuple[str, str]]) -> None:
    connection.execute("CREATE TABLE django_migrations (app text, name text)")
    for row in migrations:
        connection.execute("INSERT INTO django_migrations VALUES (%s, %s)", row)


def complete(connection: database_step.Connection) -> None:
    for view in state.VIEWS:
        connection.execute(f"CREATE VIEW {view} AS SELECT 1")  # type: ignore[arg-type]
    connection.execute(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    for number in range(247):
        connection.execute(
            f"CREATE TRIGGER t{number} AFTER INSERT ON django_migrations"  # type: ignore[arg-type]
            " EXECUTE FUNCTION nothing()"
        )
    for schema in ("temporal", "temporal_visibility"):
        connection.execute(f"CREATE SCHEMA {schema}")  # type: ignore[arg-type]
        connection.execute(
            f"CREATE TABLE {schema}.schema_version AS SELECT '1.3' AS curr_version"  # type: ignore[arg-type]
        )


def test_states_of_a_database(database: Settings) -> None:
    with connect(database) as connection:
        assert state.find(connection, PACKAGED).state is State.EMPTY
        fill(connection, PACKAGED - {("maasserver", "0002_more")})
        found = state.find(connection, PACKAGED)
        assert found.state is State.BEHIND
        assert found.missing == {("maasserver", "0002_more")}
        connection.execute("INSERT INTO django_migrations VALUES ('maasserver', '0002_more')")
        found = state.find(connection, PACKAGED)
        assert found.state is State.PARTIAL
        assert "maasserver_discovery" in found.detail
        complete(connection)
        assert state.find(connection, PACKAGED).state is State.CURRENT
        connection.execute("UPDATE temporal.schema_version SET curr_version = '0.0'")
        assert state.find(connection, PACKAGED).state is State.PARTIAL
        connection.execute("DROP SCHEMA temporal CASCADE")
        assert state.find(connection, PACKAGED).state is State.PARTIAL
        connection.execute("INSERT INTO django_migrations VALUES ('maasserver', '0000_newer')")
        found = state.find(connection, PACKAGED)
        assert found.state is State.AHEAD
        with pytest.raises(state.DatabaseUnsuitable, match="newer than the MAAS in this image"):
            state.refuse_unsuitable(found, "maasdb")


def test_a_first_migration_that_was_cut_off_early_goes_on(database: Settings) -> None:
    with connect(database) as connection:
        fill(connection, frozenset({("auth", "0001")}))  # none of maasserver's yet
        assert state.find(connection, PACKAGED).state is State.BEHIND


def test_a_database_of_37_is_ahead(database: Settings) -> None:
    with connect(database) as connection:
        fill(connection, frozenset())
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        assert state.find(connection, PACKAGED).state is State.AHEAD


def test_a_database_of_somebody_else_is_foreign(database: Settings) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE invoices ()")
        found = state.find(connection, PACKAGED)
        assert found.state is State.FOREIGN
        fill(connection, frozenset({("auth", "0001"), ("shop", "0001")}))
        assert state.find(connection, PACKAGED).state is State.FOREIGN
        with pytest.raises(state.DatabaseUnsuitable, match="POSTGRES_DB"):
            state.refuse_unsuitable(found, "maasdb")


def test_an_administrator_is_somebody_and_not_maas_itself(database: Settings) -> None:
    with connect(database) as connection:
        connection.execute(
            "CREATE TABLE auth_user (username text, is_superuser bool, is_active bool)"
        )
        connection.execute("INSERT INTO auth_user VALUES ('MAAS', true, true)")
        connection.execute("INSERT INTO auth_user VALUES ('gone', true, false)")
        assert not admin.exists(connection)
        connection.execute("INSERT INTO auth_user VALUES ('me', true, true)")
        assert admin.exists(connection)


def test_a_dump_can_be_restored_and_old_ones_go(database: Settings, tmp_path: Path) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    for stamp in ("20260101T000000Z", "20260201T000000Z", "20260301T000000Z"):
        (tmp_path / f"maasdb-{stamp}.dump").touch()
    (tmp_path / "maasdb.partial").touch()  # of a dump that was killed
    (tmp_path / "maasdb-other-20260101T000000Z.dump").touch()  # of another database
    path = migrate.dump(database, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    migrate.finish(dataclasses.replace(database, maas_backups_kept=2), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "maasdb-20260301T000000Z.dump",
        path.name,
        "maasdb-other-20260101T000000Z.dump",
    ]


def test_a_migration_that_fails_again_and_again_keeps_the_first_dump(
    database: Settings, step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nothing.to.migrate")
    behind = state.Found(State.BEHIND, "")
    for _ in range(3):
        with pytest.raises(MigrationFailed, match="cannot migrate the database"):
            migrate.migrate(database, behind, tmp_path, step)
    (dump,) = tmp_path.glob("*.dump")
    assert (tmp_path / migrate.UNFINISHED).read_text().strip() == dump.name
    migrate.finish(database, tmp_path)
    assert list(tmp_path.iterdir()) == [dump]


def test_a_dump_that_cannot_be_written_says_so(database: Settings, tmp_path: Path) -> None:
    with pytest.raises(MigrationFailed, match="MAAS_MIGRATE_WITHOUT_DUMP"):
        migrate.dump(database, tmp_path / "missing")


def test_a_running_region_is_waited_for_and_named(
    database: Settings, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "REGION_WAIT_SECONDS", 0.0)
    region = psycopg.connect(
        **database.connection_parameters(),
        application_name="maas-regiond-abc123",
    )
    with connect(database) as connection:
        with pytest.raises(DatabaseUnavailable, match="maas-regiond-abc123"):
            migrate.wait_for_regions(connection, step)
        monkeypatch.setattr(migrate, "REGION_WAIT_SECONDS", 30.0)
        migrate.wait_for_regions(connection, step, lambda _seconds: region.close())


def test_waiting_says_something(
    server: Server, step: Step, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maas_init.report.PROGRESS_SECONDS", 0.0)
    with caplog.at_level(logging.INFO), pytest.raises(DatabaseUnavailable):
        database_step.wait(server.settings(POSTGRES_PORT="1", MAAS_DB_WAIT="1"), step)
    assert "waiting for PostgreSQL at 127.0.0.1:1: Connection refused" in caplog.text
