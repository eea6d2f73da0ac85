"""Step: how the database's schema stands to the MAAS in this image.

MAAS itself notices neither a newer database nor one whose migration was cut off
(facts/maas-region-run.md 4). Names are compared by membership, never by order.
"""

import enum
from dataclasses import dataclass

from psycopg import sql

from maas_init import packaged as packages
from maas_init.errors import DatabaseUnsuitable
from maas_init.packaged import Packaged
from maas_init.steps.database import Connection

VIEWS = ("maasserver_discovery", "maasserver_podhost", "maasserver_routable_pairs")
# A complete 3.5 has about 247 triggers, one whose dbupgrade was cut off 5.
FEWEST_TRIGGERS = 100
# Every table of MAAS's in `public` begins so.
TABLE_PREFIXES = ("auth_", "django_", "maasserver_", "metadataserver_", "piston3_")
# Exists in every MAAS of any age, whichever tool made it.
MAAS_TABLE = "public.maasserver_config"
DJANGO_TABLE = "public.django_migrations"


class State(enum.Enum):
    """The states of a database that init tells apart."""

    EMPTY = "empty"
    PARTIAL = "partial"
    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Found:
    """The state, a few words about it, and how many migrations are applied and to come.

    `finish_django`: 3.7's dbupgrade cannot do before Django's own migrations are finished.
    `only_by_version`: all is there, and only what Temporal says of its version is not as expected.
    """

    state: State
    detail: str
    applied: int = 0
    missing: int = 0
    finish_django: bool = False
    only_by_version: bool = False


def find(connection: Connection, packaged: Packaged) -> Found:
    """Compare the database with what is packaged. Nothing is written."""
    if exists(connection, "public.alembic_version"):
        return _find_alembic(connection, packaged)
    if exists(connection, DJANGO_TABLE):
        return _find_django(connection, packaged)
    tables = _tables(connection)
    if tables:
        return Found(State.FOREIGN, f"it holds {len(tables)} tables, and none of MAAS's")
    total = len(packaged.revisions) or len(packaged.django)
    return Found(State.EMPTY, f"{total} migrations to come", missing=total)


def refuse_unsuitable(found: Found, database: str) -> None:
    """Raise DatabaseUnsuitable for a database that this image must not touch."""
    if found.state is State.AHEAD:
        raise DatabaseUnsuitable(
            f"cannot use the database {database}: it is newer than the MAAS in this image"
            f" ({found.detail}), and MAAS cannot go back. Use the image of the MAAS that used it"
            " last, or restore the dump that was taken before the upgrade"
        )
    if found.state is State.FOREIGN:
        raise DatabaseUnsuitable(
            f"cannot use the database {database}: {found.detail}. Give MAAS a database of its own"
            " (POSTGRES_DB), or restore a backup"
        )


def _find_alembic(connection: Connection, packaged: Packaged) -> Found:
    if not exists(connection, MAAS_TABLE):
        return Found(State.FOREIGN, "it belongs to another application (alembic_version)")
    if not packaged.revisions:
        return Found(State.AHEAD, "a MAAS of 3.7 or newer has used it")
    rows = connection.execute("SELECT version_num FROM public.alembic_version").fetchall()
    revisions = frozenset(str(row[0]) for row in rows)
    unknown = sorted(revisions - packaged.revisions.keys())
    if unknown:
        return Found(State.AHEAD, f"its revision {', '.join(unknown)} is unknown here")
    applied = packaged.ancestors(revisions)
    missing = len(packaged.revisions) - len(applied)
    left = _left_of_django(connection, packaged, revisions)
    if left:
        detail = f"an earlier migration was cut off with {left} of Django's to come"
        return Found(State.PARTIAL, detail, len(applied), missing + left, finish_django=True)
    if not revisions:
        return Found(
            State.FOREIGN, "its table alembic_version is empty, so that nobody can tell its version"
        )
    if revisions != packaged.heads:
        return _behind(len(applied), missing)
    return _unless_cut_off(connection, packaged, len(applied))


def _left_of_django(connection: Connection, packaged: Packaged, revisions: frozenset[str]) -> int:
    """Count Django's migrations that 3.7's dbupgrade will never apply by itself.

    It leaves Django alone as soon as there is alembic_version, which maasserver's last migration
    but one makes, and the last one fills. Killed between these two, every further dbupgrade fails
    (facts/maas-37-region-run.md 1); killed after them, what other applications lack never comes.
    A database that 3.7 has made has none of Django's.
    """
    if not exists(connection, DJANGO_TABLE):
        return 0
    applied = _applied(connection)
    missing = packaged.django - applied
    last = max(m for m in packaged.django if m[0] == "maasserver")
    if not applied or (last in missing) == bool(revisions):  # nothing that a kill can have done
        return 0
    return len(missing)


def _find_django(connection: Connection, packaged: Packaged) -> Found:
    applied = _applied(connection)
    if not any(app == "maasserver" for app, _ in applied):
        # cut off at its very beginning, or another application's: Django has a few of its own
        strangers = sorted({app for app, _ in applied} - packages.DJANGO.keys())
        strangers += [
            table for table in _tables(connection) if not table.startswith(TABLE_PREFIXES)
        ]
        if strangers:
            names = ", ".join(strangers[:3])
            return Found(State.FOREIGN, f"it belongs to another application ({names})")
    unknown = sorted(m for m in applied - packaged.django if m[0] in packages.DJANGO)
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown[:3])
        return Found(State.AHEAD, f"{len(unknown)} migrations are unknown here, such as {names}")
    known = len(packaged.django & applied)
    missing = len(packaged.django) - known + len(packaged.revisions)
    return _behind(known, missing) if missing else _unless_cut_off(connection, packaged, known)


def _behind(applied: int, missing: int) -> Found:
    detail = f"{missing} of {applied + missing} migrations to come"
    return Found(State.BEHIND, detail, applied, missing)


def _unless_cut_off(connection: Connection, packaged: Packaged, applied: int) -> Found:
    """Look for what dbupgrade makes after the last migration.

    Before 3.7 it drops views and triggers first, and makes them anew at its end; Temporal's schemas
    come last in every version.
    """
    lacking = None if packaged.revisions else _missing_views_or_triggers(connection)
    lacking = lacking or missing_of_temporal(connection)
    if lacking:
        return Found(
            State.PARTIAL, f"{lacking}: a migration was not finished, or it was removed", applied
        )
    older = older_of_temporal(connection, packaged)
    if older:
        return Found(State.PARTIAL, older, applied, only_by_version=True)
    return Found(State.CURRENT, f"{applied} migrations applied", applied)


def names(packaged: Packaged) -> frozenset[str]:
    """Return the name of every migration of this image's MAAS."""
    return frozenset(f"{app}.{name}" for app, name in packaged.django) | packaged.revisions.keys()


def applied(connection: Connection) -> list[str]:
    """Return the name of every migration of MAAS's that the database has."""
    found = []
    if exists(connection, DJANGO_TABLE):
        found += [f"{app}.{name}" for app, name in _applied(connection) if app in packages.DJANGO]
    if exists(connection, "public.alembic_version"):
        rows = connection.execute("SELECT version_num FROM public.alembic_version").fetchall()
        found += [str(row[0]) for row in rows]
    return sorted(found)


def _missing_views_or_triggers(connection: Connection) -> str | None:
    missing = [view for view in VIEWS if not exists(connection, f"public.{view}")]
    if missing:
        return f"no view {', '.join(missing)}"
    row = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone()
    triggers = int(str(row[0])) if row else 0
    return f"{triggers} triggers" if triggers < FEWEST_TRIGGERS else None


def missing_of_temporal(connection: Connection) -> str | None:
    """Say which of Temporal's schemas is not there, or at its beginning."""
    for schema in packages.TEMPORAL_SCHEMAS:
        if not exists(connection, f"{schema}.schema_version"):
            return f"no {schema}.schema_version"
        if not any(version != "0.0" for version, _ in _versions_of_temporal(connection, schema)):
            return f"{schema}.schema_version is at its beginning"
    return None


def older_of_temporal(connection: Connection, packaged: Packaged) -> str | None:
    """Say which of Temporal's schemas is older than the packaged one, or of another database."""
    for schema, newest in packaged.temporal.items():
        rows = _versions_of_temporal(connection, schema)
        own = [version for version, is_own in rows if is_own]
        if not own:  # Temporal asks by the database's name, which a restore may have changed
            return f"Temporal's tables ({schema}) bear the name of another database"
        there = packages.version(own[0])
        if there is None or there < newest:
            return f"{schema}.schema_version is {own[0]}, of {'.'.join(map(str, newest))}"
    return None


def _versions_of_temporal(connection: Connection, schema: str) -> list[tuple[str, bool]]:
    """Return each version, and whether it is of the database of this name."""
    query = sql.SQL("SELECT curr_version, db_name = current_database() FROM {}")
    table = sql.Identifier(schema, "schema_version")
    rows = connection.execute(query.format(table)).fetchall()
    return [(str(version), bool(own)) for version, own in rows]


def _applied(connection: Connection) -> frozenset[packages.Migration]:
    rows = connection.execute("SELECT app, name FROM public.django_migrations").fetchall()
    return frozenset((str(app), str(name)) for app, name in rows)


def _tables(connection: Connection) -> list[str]:
    """Name whatever holds data outside PostgreSQL's own schemas, extensions' excepted."""
    rows = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'information_schema'"
        " AND n.nspname NOT LIKE 'pg\\_%' AND NOT EXISTS (SELECT 1 FROM pg_depend d"
        " WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
        " ORDER BY 1"
    ).fetchall()
    return [str(row[0]) for row in rows]


def exists(connection: Connection, relation: str) -> bool:
    """Say whether a table, view or the like is there."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [relation]).fetchone()
    return bool(row and row[0])
