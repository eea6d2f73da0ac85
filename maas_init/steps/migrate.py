"""Step: MAAS's own migration, after a dump of what is there."""

import logging
import os
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from maas_init import maas_command
from maas_init.atomic_file import sync_directory
from maas_init.errors import DatabaseUnavailable, MigrationFailed
from maas_init.report import Step
from maas_init.steps.database import Connection
from maas_init.steps.state import Found, State
from settings import Settings

log = logging.getLogger("init")

# 40 s on an idle machine (facts/maas-region-run.md 3); a slow NAS with much data takes longer.
TIMEOUT_SECONDS = 6 * 3600.0
REGION_WAIT_SECONDS = 30.0


def wait_for_regions(
    connection: Connection, step: Step, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait for running regions to stop, for dbupgrade takes away what they work with.

    Raises DatabaseUnavailable when one is still there.
    """
    begun = time.monotonic()
    while True:
        rows = connection.execute(
            "SELECT DISTINCT application_name, client_addr::text FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'maas-regiond-%'"
        ).fetchall()
        if not rows:
            return
        regions = ", ".join(f"{name} at {address}" for name, address in rows)
        if time.monotonic() - begun >= REGION_WAIT_SECONDS:
            raise DatabaseUnavailable(
                f"cannot migrate the database while a region uses it ({regions}). Stop that one"
                " first; it may start again when this one has migrated"
            )
        step.progress(f"waiting for the region to stop that uses the database: {regions}")
        sleep(1.0)


def dump(settings: Settings, directory: Path) -> Path:
    """Dump the database to a new file in `directory`; return its path.

    Raises MigrationFailed; what was written until then is removed.
    """
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = directory / f"{settings.postgres_db}-{stamp}.dump"
    partial = path.with_suffix(".partial")
    command = ["pg_dump", "--format=custom", f"--file={partial}"]
    for check in (command, ["pg_restore", "--list", str(partial)]):
        result = subprocess.run(
            check,
            env=maas_command.environment()
            | {
                "PGHOST": settings.postgres_host,
                "PGPORT": str(settings.postgres_port),
                "PGDATABASE": settings.postgres_db,
                "PGUSER": settings.postgres_user,
                "PGPASSWORD": settings.postgres_password,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            umask=0o077,
        )
        if result.returncode:
            partial.unlink(missing_ok=True)
            lines = result.stderr.strip().splitlines() or ["no reason given"]
            raise MigrationFailed(
                f"cannot dump the database before its migration: {lines[-1]}. Make room in"
                f" {directory}, or set MAAS_MIGRATE_WITHOUT_DUMP=yes if it can be lost"
            )
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(path)
    sync_directory(directory)
    return path


def remove_old_dumps(directory: Path, database: str, kept: int) -> None:
    """Remove all but the newest `kept` dumps of a database, and what a killed dump left."""
    for partial in directory.glob(f"{database}-*.partial"):
        partial.unlink()
    for path in sorted(directory.glob(f"{database}-*.dump"))[:-kept]:
        path.unlink()


def migrate(settings: Settings, found: Found, backups: Path, step: Step) -> None:
    """Dump what is there, then run MAAS's migration. Raises MigrationFailed."""
    if found.state is not State.EMPTY:
        try:
            path = dump(settings, backups)
        except MigrationFailed as error:
            if not settings.maas_migrate_without_dump:
                raise
            log.warning("%s. Migrating without one, as MAAS_MIGRATE_WITHOUT_DUMP says", error)
        else:
            step.say(f"the database as it is now is in {path}")
            remove_old_dumps(backups, settings.postgres_db, settings.maas_backups_kept)
    step.say("MAAS migrates the database, which takes a minute or more the first time")
    total = len(found.missing)
    applied = 0

    def on_line(line: str) -> None:
        nonlocal applied
        if line.lstrip().startswith("Applying ") and line.endswith(" OK"):
            applied += 1
            name = line.split()[1].rstrip(".")
            step.progress(f"migration {applied} of {total} ({name})")
        elif line.strip():
            step.say(line.strip())

    try:
        maas_command.run(maas_command.django("dbupgrade"), timeout=TIMEOUT_SECONDS, on_line=on_line)
    except maas_command.CommandFailed as error:
        last = next((line.strip() for line in reversed(error.tail) if line.strip()), "no output")
        raise MigrationFailed(
            f"cannot migrate the database: {error}: {last}. What has been done is kept: starting"
            " again goes on from there"
        ) from None
