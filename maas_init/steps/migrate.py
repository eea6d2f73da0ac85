"""Step: MAAS's own migration, after a dump of what is there."""

import logging
import re
from pathlib import Path

import psycopg

from maas_init import maas_command
from maas_init.errors import MigrationFailed
from maas_init.packaged import Packaged
from maas_init.report import Step
from maas_init.steps import dump, temporal_schema
from maas_init.steps.database import Connection
from maas_init.steps.state import Found, State
from settings import Settings

log = logging.getLogger("init")

# 40 s on an idle machine (facts/maas-region-run.md 3); a slow NAS with much data takes longer.
TIMEOUT_SECONDS = 6 * 3600.0
# What Django and Alembic say of a migration (facts/maas-region-run.md 3, maas-37-region-run.md 1).
APPLIED = re.compile(r"\s*Applying (\S+)\.\.\. OK|.*Running upgrade \S* ?-> ([^,\s]+)")


def migrate(
    connection: Connection,
    settings: Settings,
    packaged: Packaged,
    found: Found,
    backups: Path,
    step: Step,
) -> None:
    """Dump what is there, then run MAAS's migration.

    Raises MigrationFailed.
    """
    before = None
    if found.state is not State.EMPTY:
        before = _dump(connection, settings, backups, step)
    temporal_schema.remove_unfinished(connection, packaged, step)
    step.say("MAAS migrates the database, which takes a minute or more the first time")
    applied = 0

    def on_line(line: str) -> None:
        nonlocal applied
        if match := APPLIED.match(line):
            applied += 1
            total = max(found.missing, applied)
            step.progress(f"migration {applied} of {total} ({match[1] or match[2]})")
        elif line.strip():
            step.say(line.strip())

    def on_tick() -> None:
        connection.execute("SELECT 1")  # ours alone is the database only as long as this holds

    try:
        for command in (["migrate"] if found.finish_django else []) + ["dbupgrade"]:
            maas_command.run(
                maas_command.django(command),
                timeout=TIMEOUT_SECONDS,
                on_line=on_line,
                on_tick=on_tick,
                hide=settings.postgres_password,
            )
    except maas_command.CommandFailed as error:
        reason = str(error)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
    else:
        return
    raise MigrationFailed(
        f"cannot migrate the database: {reason}. What has been done is kept: the next start goes on"
        " from there",
        _way_back(settings, before) if before else (),
    )


def _dump(connection: Connection, settings: Settings, backups: Path, step: Step) -> Path | None:
    try:
        return dump.make_once(connection, settings, backups, step)
    except MigrationFailed as error:
        if not settings.maas_migrate_without_dump:
            raise
        log.warning("%s. Migrating without one, as MAAS_MIGRATE_WITHOUT_DUMP says", error)
        return None


def _way_back(settings: Settings, before: Path) -> tuple[str, ...]:
    database = f"{settings.postgres_db}_before"
    return (
        "to go back to the MAAS before instead, with the database as it was before the migration:",
        "  docker compose exec postgres"
        f" createdb --username={settings.postgres_user} -- {database}",
        f"  {dump.restore_command(settings, before, database)}",
        "  (it asks for POSTGRES_PASSWORD)",
        f"  then set POSTGRES_DB={database} and the image of the MAAS before, and start",
    )
