"""Step: MAAS's own migration, after a dump of what is there."""

import logging
import os
import re
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from maas_init import atomic_file, maas_command
from maas_init.errors import DatabaseUnavailable, MigrationFailed
from maas_init.report import Step
from maas_init.steps.database import Connection
from maas_init.steps.state import Found, State
from settings import Settings

log = logging.getLogger("init")

# 40 s on an idle machine (facts/maas-region-run.md 3); a slow NAS with much data takes longer.
TIMEOUT_SECONDS = 6 * 3600.0
REGION_WAIT_SECONDS = 30.0
# Holds the name of the dump from before a migration that has not succeeded yet.
UNFINISHED = "unfinished-migration"


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
    partial = directory / f"{settings.postgres_db}.partial"
    partial.unlink(missing_ok=True)  # of a dump that was killed
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
    atomic_file.sync_directory(directory)
    return path


def finish(settings: Settings, backups: Path) -> None:
    """Note that the database is current: remove all but the newest dumps of earlier migrations."""
    (backups / UNFINISHED).unlink(missing_ok=True)
    name = re.compile(re.escape(settings.postgres_db) + r"-\d{8}T\d{6}Z\.dump")
    dumps = sorted(path for path in backups.iterdir() if name.fullmatch(path.name))
    for old in dumps[: -settings.maas_backups_kept]:
        old.unlink()


def migrate(settings: Settings, found: Found, backups: Path, step: Step) -> None:
    """Dump what is there, then run MAAS's migration. Raises MigrationFailed."""
    if found.state is not State.EMPTY:
        _dump_once(settings, backups, step)
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
        maas_command.run(
            maas_command.django("dbupgrade"),
            timeout=TIMEOUT_SECONDS,
            on_line=on_line,
            hide=settings.postgres_password,
        )
    except maas_command.CommandFailed as error:
        raise MigrationFailed(
            f"cannot migrate the database: {error}. What has been done is kept: starting"
            " again goes on from there"
        ) from None


def _dump_once(settings: Settings, backups: Path, step: Step) -> None:
    """Dump the database, unless an earlier attempt at this migration has done so.

    Else each of a failing migration's attempts would dump what the one before left half done, and
    push the dump out that is worth something.
    """
    marker = backups / UNFINISHED
    if marker.exists():
        earlier = backups / marker.read_text(encoding="utf-8").strip()
        if earlier.is_file():
            step.say(f"the database as it was before this migration began is in {earlier}")
            return
    try:
        path = dump(settings, backups)
    except MigrationFailed as error:
        if not settings.maas_migrate_without_dump:
            raise
        log.warning("%s. Migrating without one, as MAAS_MIGRATE_WITHOUT_DUMP says", error)
        return
    atomic_file.write(marker, path.name + "\n", 0o600)
    step.say(f"the database as it is now is in {path}")
