"""Dumps of the database from before a migration, in the data volume."""

import os
import re
import shlex
import shutil
from collections.abc import Callable
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
# What a role that owns the database alone can bring back: comments on extensions are not. Without
# --single-transaction pg_restore puts a COMMIT behind large objects, in the middle.
PLAIN = (
    *("--no-owner", "--no-privileges", "--no-comments", "--no-tablespaces"),
    "--single-transaction",
)
# A dump must not fill the file system, on which PostgreSQL may be, too.
LEAST_FREE_MB = 64
ADVICE = "or set MAAS_MIGRATE_WITHOUT_DUMP=yes if the database can be lost"


def make(connection: Connection, settings: Settings, directory: Path, step: Step) -> Path:
    """Dump the database to a new file in `directory`; return its path.

    Raises MigrationFailed, and psycopg.OperationalError when the database goes away; what was
    written until then is removed.
    """
    path = directory / _name(settings)
    partial = _partial(settings, directory)
    partial.unlink(missing_ok=True)  # of a dump that was killed

    def watch() -> None:
        written, free = partial.stat().st_size // MB, shutil.disk_usage(directory).free // MB
        if free < LEAST_FREE_MB:
            raise MigrationFailed(
                f"cannot dump the database before it is changed: {directory} has only {free} MB"
                f" free after {written} MB of the dump. Make room there, {ADVICE}"
            )
        connection.execute("SELECT 1")  # ours alone is the database only as long as this holds
        step.progress(f"dumping the database, {written} MB")

    try:
        write(partial, settings, watch)
        partial.rename(path)
        atomic_file.sync_directory(directory)
    except maas_command.CommandFailed as error:
        raise MigrationFailed(
            f"cannot dump the database before it is changed: {error}. Mend that, {ADVICE}"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def write(path: Path, settings: Settings, watch: Callable[[], None], *options: str) -> None:
    """Dump the database to a new file, and read it whole.

    `watch` is called at the beginning and every second; an exception in it ends the dump.
    Raises CommandFailed.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    watch()
    for command in (
        ["pg_dump", "--format=custom", f"--file={path}", *options],  # keeps the mode
        ["pg_restore", f"--file={os.devnull}", str(path)],
    ):
        maas_command.run(
            command,
            timeout=TIMEOUT_SECONDS,
            on_tick=watch,
            variables=connection_variables(settings),
        )
    with path.open("rb") as file:
        os.fsync(file.fileno())


def make_once(connection: Connection, settings: Settings, directory: Path, step: Step) -> Path:
    """Dump the database, unless an earlier attempt to migrate it has done so.

    Else each of a failing migration's attempts would dump what the one before left half done, and
    push the dump out that is worth something. Return the dump's path; raises MigrationFailed.
    """
    earlier, of = _unfinished(directory)
    identity = identify(connection)
    if earlier and of == identity:
        step.say(f"the database as it was before this migration began is in {earlier}")
        return earlier
    path = make(connection, settings, directory, step)
    atomic_file.write(directory / UNFINISHED, f"{path.name}\n{identity}\n", 0o600)
    step.say(f"the database as it is now is in {path}")
    return path


def unfinished(directory: Path) -> Path | None:
    """Return the dump from before a migration that was begun and has not succeeded."""
    return _unfinished(directory)[0]


def all_of(settings: Settings, directory: Path) -> list[Path]:
    """Return the dumps of this database, oldest first."""
    name = re.compile(re.escape(settings.postgres_db) + r"-\d{8}T\d{6}Z\.dump")
    return sorted(path for path in directory.iterdir() if name.fullmatch(path.name))


def tidy(connection: Connection, settings: Settings, directory: Path) -> None:
    """Note that the database is current: remove all but the newest dumps, and what was cut off."""
    dump, of = _unfinished(directory)
    if dump is None or of == identify(connection):
        (directory / UNFINISHED).unlink(missing_ok=True)
    (directory / f".{UNFINISHED}.new").unlink(missing_ok=True)
    _partial(settings, directory).unlink(missing_ok=True)
    for old in all_of(settings, directory)[: -settings.maas_backups_kept]:
        if old != dump:
            old.unlink()


def identify(connection: Connection) -> str:
    """Tell this database from another one of its name, such as one that was restored since."""
    row = connection.execute(
        "SELECT system_identifier, coalesce(to_regclass('public.django_migrations')::oid, 0),"
        " (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_control_system()"
    ).fetchone()
    return " ".join(map(str, row or ()))


def restore_command(settings: Settings, dump: Path, database: str) -> str:
    """Return the command that brings a dump into an empty database, all of it or nothing.

    pg_restore of 17 and newer begins with a setting that older servers do not know, and so cannot
    do it by itself in one transaction. By way of a file, for the end of a pipe is no error to psql.
    """
    script = dump.with_suffix(".sql")
    unpack = ["pg_restore", *PLAIN, f"--file={script}", str(dump)]
    load = [
        *("psql", "--quiet", "--output=/dev/null", "--single-transaction"),
        *("--set=ON_ERROR_STOP=1", f"--file={script}", f"--host={settings.postgres_host}"),
        *(f"--port={settings.postgres_port}", f"--username={settings.postgres_user}"),
        f"--dbname={database}",
    ]
    commands = (
        shlex.join(unpack),
        f'sed -i "/^SET transaction_timeout/d" {shlex.quote(str(script))}',
        shlex.join(load),
        f"rm {shlex.quote(str(script))}",
    )
    return f"docker compose run --rm maas sh -c {shlex.quote(' && '.join(commands))}"


def _unfinished(directory: Path) -> tuple[Path | None, str]:
    try:
        name, _, of = (directory / UNFINISHED).read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return None, ""
    path = directory / name
    return (path if path.is_file() else None), of.strip()


def _name(settings: Settings) -> str:
    return f"{settings.postgres_db}-{stamp()}.dump"


def _partial(settings: Settings, directory: Path) -> Path:
    return directory / f"{settings.postgres_db}.partial"


def stamp() -> str:
    """Return the time that names what is made now, in UTC, by the second."""
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def connection_variables(settings: Settings) -> dict[str, str]:
    """Return what tells PostgreSQL's own programs the database."""
    return {
        "PGHOST": settings.postgres_host,
        "PGPORT": str(settings.postgres_port),
        "PGDATABASE": settings.postgres_db,
        "PGUSER": settings.postgres_user,
        "PGPASSWORD": settings.postgres_password,
    }
