import pytest

from maas_init.packaged import Packaged
from maas_init.steps import admin, state
from maas_init.steps import database as database_step
from maas_init.steps.state import State
from settings import Settings

DJANGO = frozenset({("auth", "0001"), ("maasserver", "0001_initial"), ("maasserver", "0002_more")})
TEMPORAL = {"temporal": (1, 10), "temporal_visibility": (1, 3)}
OF_35 = Packaged(DJANGO, temporal=TEMPORAL)
OF_37 = Packaged(
    DJANGO,
    {"0000": frozenset(), "0004": frozenset({"0000"}), "0026": frozenset({"0004"})},
    TEMPORAL,
)

Connection = database_step.Connection


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def fill(connection: Connection, migrations: frozenset[tuple[str, str]]) -> None:
    run(connection, "CREATE TABLE django_migrations (app text, name text)")
    if migrations:
        run(connection, "CREATE TABLE maasserver_config ()")
    for app, name in migrations:
        connection.execute("INSERT INTO django_migrations VALUES (%s, %s)", (app, name))


def add_temporal(connection: Connection) -> None:
    for schema, (major, minor) in TEMPORAL.items():
        run(
            connection,
            f"CREATE SCHEMA {schema}",
            f"CREATE TABLE {schema}.schema_version AS"
            f" SELECT '{major}.{minor}' AS curr_version, current_database()::text AS db_name",
        )


def complete(connection: Connection) -> None:
    for view in state.VIEWS:
        run(connection, f"CREATE VIEW {view} AS SELECT 1")
    run(
        connection,
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    )
    for number in range(247):
        run(
            connection,
            f"CREATE TRIGGER t{number} AFTER INSERT ON django_migrations"
            " EXECUTE FUNCTION nothing()",
        )
    add_temporal(connection)


def test_the_states_of_a_database_of_35(database: Settings) -> None:
    with database_step.connect(database) as connection:
        found = state.find(connection, OF_35)
        assert (found.state, found.missing) == (State.EMPTY, 3)
        fill(connection, DJANGO - {("maasserver", "0002_more")})
        found = state.find(connection, OF_35)
        assert (found.state, found.applied, found.missing) == (State.BEHIND, 2, 1)
        run(connection, "INSERT INTO django_migrations VALUES ('maasserver', '0002_more')")
        found = state.find(connection, OF_35)
        assert found.state is State.PARTIAL
        assert "maasserver_discovery" in found.detail
        complete(connection)
        assert state.find(connection, OF_35).state is State.CURRENT
        run(connection, "INSERT INTO django_migrations VALUES ('maasserver', '0000_newer')")
        found = state.find(connection, OF_35)
        assert found.state is State.AHEAD
        with pytest.raises(state.DatabaseUnsuitable, match="newer than the MAAS in this image"):
            state.refuse_unsuitable(found, "maasdb")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "UPDATE temporal.schema_version SET curr_version = '0.0'",
            "temporal.schema_version is at its beginning",
        ),
        (
            "UPDATE temporal.schema_version SET curr_version = '1.9'",
            "temporal.schema_version is 1.9, of 1.10",
        ),
        (
            "UPDATE temporal.schema_version SET db_name = 'before'",
            "bear the name of another database",
        ),
        ("DROP SCHEMA temporal_visibility CASCADE", "no temporal_visibility.schema_version"),
        ("DROP VIEW maasserver_podhost", "no view maasserver_podhost"),
        ("DROP FUNCTION nothing CASCADE", "0 triggers"),
    ],
)
def test_a_migration_that_was_cut_off_is_seen(database: Settings, change: str, words: str) -> None:
    with database_step.connect(database) as connection:
        fill(connection, DJANGO)
        complete(connection)
        run(connection, change)
        found = state.find(connection, OF_35)
        assert found.state is State.PARTIAL
        assert words in found.detail


def test_a_newer_schema_of_temporal_is_no_reason_to_migrate(database: Settings) -> None:
    with database_step.connect(database) as connection:
        fill(connection, DJANGO)
        complete(connection)
        run(connection, "UPDATE temporal.schema_version SET curr_version = '1.12'")
        assert state.find(connection, OF_35).state is State.CURRENT


def test_the_states_of_a_database_of_37(database: Settings) -> None:
    with database_step.connect(database) as connection:
        fill(connection, DJANGO)
        assert state.find(connection, OF_37).missing == 3  # Alembic's are still to come
        run(
            connection,
            "CREATE TABLE alembic_version (version_num text)",
            "INSERT INTO alembic_version VALUES ('0004')",
        )
        found = state.find(connection, OF_37)
        assert (found.state, found.applied, found.missing) == (State.BEHIND, 2, 1)
        run(connection, "UPDATE alembic_version SET version_num = '0026'")
        assert state.find(connection, OF_37).state is State.PARTIAL
        add_temporal(connection)
        assert state.find(connection, OF_37).state is State.CURRENT
        assert state.find(connection, OF_35).state is State.AHEAD
        run(connection, "UPDATE alembic_version SET version_num = '0030'")
        found = state.find(connection, OF_37)
        assert found.state is State.AHEAD
        assert "0030 is unknown here" in found.detail


def test_alembic_s_empty_table(database: Settings) -> None:
    with database_step.connect(database) as connection:
        fill(connection, DJANGO - {("maasserver", "0002_more")})
        run(connection, "CREATE TABLE alembic_version (version_num text)")
        found = state.find(connection, OF_37)
        assert (found.state, found.finish_django) == (State.PARTIAL, True)
        run(
            connection,
            "INSERT INTO django_migrations VALUES ('maasserver', '0002_more')",
            "DELETE FROM django_migrations WHERE app = 'auth'",
            "INSERT INTO alembic_version VALUES ('0000')",
        )
        found = state.find(connection, OF_37)  # cut off one step later
        assert (found.state, found.finish_django, found.missing) == (State.PARTIAL, True, 3)
        run(connection, "TRUNCATE django_migrations, alembic_version")
        found = state.find(connection, OF_37)
        assert found.state is State.FOREIGN
        with pytest.raises(state.DatabaseUnsuitable, match="nobody can tell its version"):
            state.refuse_unsuitable(found, "maasdb")


@pytest.mark.parametrize("applied", [frozenset(), frozenset({("auth", "0001")})])
def test_a_first_migration_that_was_cut_off_early_goes_on(
    database: Settings, applied: frozenset[tuple[str, str]]
) -> None:
    with database_step.connect(database) as connection:
        fill(connection, applied)
        assert state.find(connection, OF_35).state is State.BEHIND


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE invoices ()",),
        ("CREATE SCHEMA shop", "CREATE TABLE shop.invoices ()"),
        ("CREATE VIEW nothing AS SELECT 1",),
        ("CREATE SEQUENCE numbers",),
        ("CREATE TABLE alembic_version (version_num text)",),
        ("CREATE TABLE django_migrations (app text, name text)", "CREATE TABLE invoices ()"),
        (
            "CREATE TABLE django_migrations (app text, name text)",
            "INSERT INTO django_migrations VALUES ('auth', '0001'), ('shop', '0001')",
        ),
    ],
)
def test_a_database_of_somebody_else_is_foreign(
    database: Settings, statements: tuple[str, ...]
) -> None:
    with database_step.connect(database) as connection:
        run(connection, *statements)
        for packaged in (OF_35, OF_37):
            found = state.find(connection, packaged)
            assert found.state is State.FOREIGN
            with pytest.raises(state.DatabaseUnsuitable, match="POSTGRES_DB"):
                state.refuse_unsuitable(found, "maasdb")


def test_what_an_extension_brings_is_nobody_s(database: Settings) -> None:
    with database_step.connect(database) as connection:
        run(connection, "CREATE EXTENSION hstore", "CREATE EXTENSION btree_gin")
        assert state.find(connection, OF_35).state is State.EMPTY


def test_an_administrator_is_somebody_and_not_maas_itself(database: Settings) -> None:
    with database_step.connect(database) as connection:
        run(
            connection,
            "CREATE TABLE auth_user (username text, is_superuser bool, is_active bool)",
            "INSERT INTO auth_user VALUES ('MAAS', true, true)",
            "INSERT INTO auth_user VALUES ('gone', true, false)",
        )
        assert not admin.exists(connection)
        run(connection, "INSERT INTO auth_user VALUES ('me', true, true)")
        assert admin.exists(connection)
