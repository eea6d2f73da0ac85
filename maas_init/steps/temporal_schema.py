"""Removes Temporal's schemas where making them was cut off and nothing is in them yet.

Temporal's schema tool runs each statement by itself and notes a version when all of its statements
are done: cut off in between, its next run fails for ever on what is there already.
"""

from psycopg import sql

from maas_init import packaged as packages
from maas_init.packaged import Packaged
from maas_init.report import Step
from maas_init.steps.database import Connection
from maas_init.steps.state import exists, missing_of_temporal, older_of_temporal

# Temporal's first start puts its own namespace there.
NAMESPACES = "temporal.namespaces"


def remove_unfinished(connection: Connection, packaged: Packaged, step: Step) -> None:
    """Let MAAS make Temporal's schemas anew, unless they are finished or Temporal has used them."""
    schemas = [
        schema
        for schema in packages.TEMPORAL_SCHEMAS
        if connection.execute("SELECT to_regnamespace(%s)", [schema]).fetchone() != (None,)
    ]
    finished = not (missing_of_temporal(connection) or older_of_temporal(connection, packaged))
    if not schemas or finished or _used(connection):
        return
    step.say("Temporal's schemas were cut off before anything was in them: making them anew")
    connection.execute(
        sql.SQL("DROP SCHEMA {} CASCADE").format(sql.SQL(", ").join(map(sql.Identifier, schemas)))
    )


def _used(connection: Connection) -> bool:
    if not exists(connection, NAMESPACES):
        return False
    return connection.execute("SELECT 1 FROM temporal.namespaces LIMIT 1").fetchone() is not None
