"""Dumps of the database from before a migration, in the data volume."""

import os
import re
import shlex
import shutil
from datetime import datetime, timezone
from pathlib import Path

from maas_init import atomic_file, maas_command
from maas_init.errors import MigrationFailed
from maas_init.report import Step
from maas_init.steps.database import Connection
from settings import Settings

TIMEOUT_SECONDS = 6 * 3600.0
# Holds the name of the dump from before a migration that has not succeeded yet, and of which
# database that is.
UNFINISHED = "unfinished-migration"
MB = 10**6


def make(connection: Connection, settings: Settings, directory: Path, step: Step) -> Path:
    """Dump the database to a new file in `directory`; return its path.

    Raises MigrationFailed; what was written until then is removed.
    """
    advice = "or set MAAS_MIGRATE_WITHOUT_DUMP=yes if the database can be lost"
    path = directory / _name(settings)
    partial = _partial(settings, directory)
    partial.unlink(missing_ok=True)  # of a dump that was killed
    needed, free = _most_bytes(connection), shutil.disk_usage(directory).free
    if free < needed:
        raise MigrationFailed(
            f"cannot dump the database before its migration: that may take {needed // MB} MB, and"
            f" {directory} has {free // MB} MB free. Make room there, {advice}"
        )
    os.close(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    )  # pg_dump keeps the mode

    def progress() -> None:
        step.progress(f"dumping the database, {partial.stat().st_size // MB} MB")

    try:
        for command in (
            ["pg_dump", "--format=custom", f"--file={partial}"],
            ["pg_restore", "--list", f"--file={os.devnull}", str(partial)],
        ):
            maas_command.run(
                command,
                timeout=TIMEOUT_SECONDS,
                on_tick=progress,
                variables=_connection_variables(settings),
            )
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(path)
        atomic_file.sync_directory(directory)
    except maas_command.CommandFailed as error:
        raise MigrationFailed(
            f"cannot dump the database before its migration: {error}. Mend that, {advice}"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def make_once(connection: Connection, settings: Settings, directory: Path, step: Step) -> Path:
    """Dump the database, unless an earlier attempt at this migration has done so.

    Else each of a failing migration's attempts would dump what the one before left half done, and
    push the dump out that is worth something. Return the dump's path; raises MigrationFailed.
    """
    earlier, of = _unfinished(directory)
    if earlier and of == _identity(connection):
        step.say(f"the database as it was before this migration began is in {earlier}")
        return earlier
    path = make(connection, settings, directory, step)
    text = f"{path.name}\n{_identity(connection)}\n"
    atomic_file.write(directory / UNFINISHED, text, 0o600)
    step.say(f"the database as it is now is in {path}")
    return path


def unfinished(directory: Path) -> Path | None:
    """Return the dump from before a migration that was begun and has not succeeded."""
    return _unfinished(directory)[0]


def all_of(settings: Settings, directory: Path) -> list[Path]:
    """Return the dumps of this database, oldest first."""
    name = re.compile(re.escape(settings.postgres_db) + r"-\d{8}T\d{6}Z\.dump")
    return sorted(path for path in directory.iterdir() if name.fullmatch(path.name))


def tidy(settings: Settings, directory: Path) -> None:
    """Note that the database is current: remove all but the newest dumps, and what was cut off."""
    for name in (UNFINISHED, f".{UNFINISHED}.new"):
        (directory / name).unlink(missing_ok=True)
    _partial(settings, directory).unlink(missing_ok=True)
    for old in all_of(settings, directory)[: -settings.maas_backups_kept]:
        old.unlink()


def restore_command(settings: Settings, dump: Path, database: str) -> str:
    """Return the command that brings a dump into an empty database, all of it or nothing.

    pg_restore of 17 and newer begins with a setting that older servers do not know, and so cannot
    do it by itself in one transaction.
    """
    unpack = ["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(dump)]
    load = [
        *("psql", "--quiet", "--output=/dev/null", "--single-transaction"),
        *("--set=ON_ERROR_STOP=1", f"--host={settings.postgres_host}"),
        *(f"--port={settings.postgres_port}", f"--username={settings.postgres_user}"),
        f"--dbname={database}",
    ]
    script = f'{shlex.join(unpack)} | sed "/^SET transaction_timeout/d" | {shlex.join(load)}'
    return f"docker compose run --rm maas sh -c {shlex.quote(script)}"


def _unfinished(directory: Path) -> tuple[Path | None, str]:
    try:
        name, _, of = (directory / UNFINISHED).read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return None, ""
    path = directory / name
    return (path if path.is_file() else None), of.strip()


def _identity(connection: Connection) -> str:
    """Tell this database from another one of its name, such as one that was restored since."""
    row = connection.execute(
        "SELECT oid, coalesce(to_regclass('public.django_migrations')::oid, 0)"
        " FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    return " ".join(map(str, row or ()))


def _name(settings: Settings) -> str:
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"{settings.postgres_db}-{stamp}.dump"


def _partial(settings: Settings, directory: Path) -> Path:
    return directory / f"{settings.postgres_db}.partial"


def _connection_variables(settings: Settings) -> dict[str, str]:
    return {
        "PGHOST": settings.postgres_host,
        "PGPORT": str(settings.postgres_port),
        "PGDATABASE": settings.postgres_db,
        "PGUSER": settings.postgres_user,
        "PGPASSWORD": settings.postgres_password,
    }


def _most_bytes(connection: Connection) -> int:
    """Return what a dump can take at most: all data without the indexes, were nothing compressed.

    MAAS before 3.5 keeps its images in the database, which cannot be compressed.
    """
    row = connection.execute(
        "SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class"
        " WHERE relkind IN ('r', 'm') AND (relnamespace NOT IN"
        " (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))"
        " OR relname = 'pg_largeobject')"
    ).fetchone()
    return int(str(row[0])) if row else 0
