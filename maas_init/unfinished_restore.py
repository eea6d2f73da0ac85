"""The note that keeps MAAS from starting on what a restore has left half done.

It names the archive, and says which database was there before the restore's one transaction: as
long as that is still there, nothing has changed.
"""

import os
from pathlib import Path

from maas_init import atomic_file
from maas_init.paths import Paths
from maas_init.steps import dump
from maas_init.steps.database import Connection


def note(paths: Paths) -> Path:
    """Return where the note is."""
    return paths.backups / "unfinished-restore"


def find(paths: Paths, connection: Connection) -> Path | None:
    """Return the archive whose restore has changed something and was not finished."""
    file, before = _read(paths)
    return Path(file) if file and before != identify(connection) else None


def begin(paths: Paths, file: Path, connection: Connection) -> None:
    """Note that the database is about to be replaced, unless it has been replaced already."""
    before = _read(paths)[1] or identify(connection)
    name = os.fsencode(file).decode(errors="backslashreplace")  # it may be of any bytes
    atomic_file.write(note(paths), f"{name}\n{before}\n", 0o600)


def end(paths: Paths) -> None:
    """Note that everything is restored, or nothing."""
    try:
        note(paths).unlink()
    except FileNotFoundError:
        return
    atomic_file.sync_directory(paths.backups)


def identify(connection: Connection) -> str:
    """Tell a database from what a restore makes of it: its tables are made anew."""
    row = connection.execute(
        "SELECT coalesce(to_regclass('public.maasserver_config')::oid, 0)"
    ).fetchone()
    return f"{dump.identify(connection)} {row[0] if row else ''}"


def command(paths: Paths, file: Path) -> str:
    """Return the command that restores an archive."""
    mount = "" if paths.data in file.parents else f"--volume /path/on/host/{file.name}:{file}:ro "
    return f"docker compose run --rm {mount}maas maas-init restore {file}"


def _read(paths: Paths) -> tuple[str, str]:
    try:
        text = note(paths).read_text(encoding="utf-8")
    except FileNotFoundError:
        return "", ""
    file, _, before = text.strip().rpartition("\n")
    return file, before
