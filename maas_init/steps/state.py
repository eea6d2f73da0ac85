"""Step: how the database's schema stands to the MAAS in this image.

MAAS itself notices neither a newer database nor one whose migration was cut off
(facts/maas-region-run.md 4). Names are compared by membership, never by order.
"""

import enum
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from maas_init.errors import DatabaseUnsuitable
from maas_init.maas_command import PYTHON
from maas_init.steps.database import Connection

# MAAS's MIGRATION_MODULES: Django application -> package and directory of its migrations.
MIGRATIONS = {
    "auth": ("maasserver", "migrations/auth"),
    "contenttypes": ("django", "contrib/contenttypes/migrations"),
    "maasserver": ("maasserver", "migrations/maasserver"),
    "metadataserver": ("metadataserver", "migrations"),
    "piston3": ("maasserver", "migrations/piston3"),
    "sessions": ("django", "contrib/sessions/migrations"),
    "sites": ("django", "contrib/sites/migrations"),
}
VIEWS = ("maasserver_discovery", "maasserver_podhost", "maasserver_routable_pairs")
# A complete 3.5 has about 247 triggers, one whose dbupgrade was cut off 5.
FEWEST_TRIGGERS = 100
SCHEMA_VERSIONS = ("temporal.schema_version", "temporal_visibility.schema_version")

Migrations = frozenset[tuple[str, str]]


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
    """The state, a sentence about it, and the migrations that are still to come."""

    state: State
    detail: str
    missing: Migrations = frozenset()


def packaged_migrations() -> Migrations:
    """Return (application, name) of every migration that this image's MAAS ships.

    Read as file names: nothing of MAAS is imported.
    """
    directories = _package_directories()
    return frozenset(
        (application, file.stem)
        for application, (package, directory) in MIGRATIONS.items()
        for file in (directories[package] / directory).glob("*.py")
        if re.match(r"\d{4}_", file.name)
    )


def _package_directories() -> Mapping[str, Path]:
    names = sorted({package for package, _ in MIGRATIONS.values()})
    program = (
        "import importlib.util, json, sys;"
        "print(json.dumps({n: importlib.util.find_spec(n).submodule_search_locations[0]"
        " for n in sys.argv[1:]}))"
    )
    output = subprocess.run(
        [PYTHON, "-c", program, *names], capture_output=True, text=True, check=True
    )
    return {name: Path(path) for name, path in json.loads(output.stdout).items()}


def find(connection: Connection, packaged: Migrations) -> Found:
    """Compare the database with the packaged migrations."""
    if not _exists(connection, "public.django_migrations"):
        row = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r'"
        ).fetchone()
        tables = row[0] if row else 0
        if tables:
            return Found(State.FOREIGN, f"it holds {tables} tables, and none of MAAS's")
        return Found(State.EMPTY, "nothing in it", packaged)
    if _exists(connection, "public.alembic_version"):
        return Found(State.AHEAD, "a MAAS of 3.7 or newer has used it")
    rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    applied = frozenset((str(app), str(name)) for app, name in rows)
    strangers = sorted({app for app, _ in applied} - MIGRATIONS.keys())
    if strangers and not any(app == "maasserver" for app, _ in applied):
        return Found(State.FOREIGN, f"it belongs to another application ({', '.join(strangers)})")
    unknown = sorted(m for m in applied - packaged if m[0] in MIGRATIONS)
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown[:3])
        return Found(State.AHEAD, f"{len(unknown)} migrations are unknown here, such as {names}")
    missing = packaged - applied
    if missing:
        return Found(State.BEHIND, f"{len(missing)} of {len(packaged)} migrations to come", missing)
    lacking = _unfinished(connection)
    if lacking:
        return Found(State.PARTIAL, f"an earlier migration was cut off: {lacking}")
    return Found(State.CURRENT, f"{len(packaged)} migrations applied")


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
            " (POSTGRES_DB)"
        )


def _unfinished(connection: Connection) -> str | None:
    """Name what a dbupgrade that was cut off has not made yet.

    It drops views and triggers first, and makes them anew after the last migration.
    """
    missing = [view for view in VIEWS if not _exists(connection, f"public.{view}")]
    if missing:
        return f"no view {', '.join(missing)}"
    row = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone()
    triggers = int(str(row[0])) if row else 0
    if triggers < FEWEST_TRIGGERS:
        return f"{triggers} triggers"
    for table in SCHEMA_VERSIONS:
        if not _exists(connection, table):
            return f"no {table}"
        query = sql.SQL("SELECT curr_version FROM {}").format(sql.Identifier(*table.split(".")))
        row = connection.execute(query).fetchone()
        if row is None or row[0] == "0.0":  # set up, and none of its updates applied
            return f"{table} is at its beginning"
    return None


def _exists(connection: Connection, relation: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [relation]).fetchone()
    return bool(row and row[0])
