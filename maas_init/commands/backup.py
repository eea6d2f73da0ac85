"""`maas-init backup`: the region as it is, in one file, while everything runs."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from maas_init import (
    archive,
    atomic_file,
    backup_directory,
    file_lock,
    maas_command,
    maas_package,
    packaged,
    region_files,
    unfinished_restore,
)
from maas_init.errors import DatabaseUnsuitable, InitError, RestoreFailed, VolumeUnusable
from maas_init.paths import Paths
from maas_init.report import Report, Step
from maas_init.steps import database, dump, lock, server, state
from maas_init.steps.database import Connection
from settings import Settings

MB = dump.MB
_LOCK = ".maas-backup.lock"


class Incomplete(InitError):
    """The backup was made, and lacks something that the database names."""


def run(settings: Settings, paths: Paths, directory: Path, images: bool) -> Path:
    """Make a backup in `directory`; return its path.

    Raises InitError; Incomplete after a backup that lacks images, which is kept.
    """
    report = Report(None)
    backup_directory.refuse_unwritable(directory)
    with file_lock.held(directory / _LOCK, "another maas-init backup to this directory"):
        kind = "" if images else backup_directory.WITHOUT_IMAGES
        with closing(_Backup(settings, paths, directory, kind, report)) as backup:
            with report.step("database") as step, database.connect(settings) as connection:
                server.check(connection, settings)
                lock.acquire(connection, socket.gethostname(), step)
                _refuse_unsuitable(connection, settings, paths)
                backup.dump(connection, step)
            return backup.finish()


def before_restore(
    settings: Settings, paths: Paths, connection: Connection, report: Report, restored: Path
) -> Path:
    """Make a backup, without images, of what is replaced by `restored`; return its path.

    `connection` has the lock. Raises InitError.
    """
    kind = backup_directory.BEFORE_RESTORE
    with closing(_Backup(settings, paths, paths.backups, kind, report)) as backup:
        with report.step("what is there") as step:
            backup.dump(connection, step)
        return backup.finish(spare=restored)


class _Backup:
    """A backup under way, of one kind: the end of its name. Only one of a kind has images."""

    def __init__(
        self, settings: Settings, paths: Paths, directory: Path, kind: str, report: Report
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._directory = directory
        self._kind = kind
        self._images = not kind
        self._report = report
        self._named: dict[str, int] = {}
        self._dumped, self._partial = backup_directory.partial_files(directory, kind)
        self.close()  # one that was killed

    def dump(self, connection: Connection, step: Step) -> None:
        """Dump the database, and note what it names, of one moment."""
        size = _number(connection, "SELECT pg_database_size(current_database())")
        self._check_room(size)
        with _snapshot(connection) as snapshot:
            self._manifest = self._describe(connection)
            self._named = region_files.named_by_database(connection, self._manifest.system_id)

            def watch() -> None:
                connection.execute("SELECT 1")
                backup_directory.keep_room(self._directory)
                done = self._dumped.stat().st_size
                step.progress(f"{done / MB:.0f} MB dumped", min(done / max(size, 1), 0.99))

            try:
                dump.write(self._dumped, self._settings, watch, f"--snapshot={snapshot}")
            except maas_command.CommandFailed as error:
                raise InitError(f"cannot dump the database: {error}") from None
        step.result(f"{self._dumped.stat().st_size / MB:.1f} MB")

    def finish(self, spare: Path | None = None) -> Path:
        """Add the files, check that nothing is missing, and give the archive its name."""
        manifest = self._manifest
        writer = archive.Writer(self._partial)
        try:
            with self._report.step("files") as step:
                self._add_files(writer, step)
            with self._report.step("check") as step:
                manifest.missing = self._missing(writer)
                step.result(_check_result(manifest, self._named, self._images))
            writer.finish(manifest)
        except OSError as error:
            raise VolumeUnusable(
                f"cannot make the backup: {error.filename or self._partial}:"
                f" {error.strerror or error}"
            ) from None
        finally:
            writer.close()
        kind = backup_directory.INCOMPLETE if manifest.missing else self._kind
        path = backup_directory.new_name(self._directory, kind)
        self._partial.rename(path)
        atomic_file.sync_directory(self._directory)
        backup_directory.remove_old(path, self._settings.maas_backups_kept, spare)
        if manifest.missing:
            raise Incomplete(
                f"cannot back up {len(manifest.missing)} images that the database names, for they"
                f" are not in {self._paths.data / region_files.IMAGES}; all else is in {path}. If"
                " MAAS was just removing them, back up again; else have MAAS import them again",
                tuple(manifest.missing[:10]),
            )
        return path

    def close(self) -> None:
        """Remove what is not the archive itself."""
        for path in (self._partial, self._dumped):
            path.unlink(missing_ok=True)

    def _describe(self, connection: Connection) -> archive.Manifest:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND"
            " nspname NOT IN ('information_schema', 'public') ORDER BY 1"
        ).fetchall()
        try:
            text = (self._paths.data / "maas_id").read_text(encoding="utf-8", errors="replace")
            system_id = "".join(c for c in text if c.isalnum())
        except FileNotFoundError:  # no region has started yet
            system_id = ""
        return archive.Manifest(
            made=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            maas=maas_package.version(),
            image=os.environ.get("IMAGE_REVISION", "unknown"),
            postgresql=connection.info.parameter_status("server_version") or "unknown",
            database=self._settings.postgres_db,
            system_id=system_id,
            hostname=socket.gethostname(),
            images=self._images,
            migrations=state.applied(connection),
            schemas=[str(row[0]) for row in schemas],
        )

    def _add_files(self, writer: archive.Writer, step: Step) -> None:
        done = 0
        files = [(archive.DATABASE, self._dumped)]
        files += region_files.found(self._paths, self._images)
        total = sum(_size(path) for _, path in files)

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            backup_directory.keep_room(self._directory)
            step.progress(f"{done / MB:.0f} of {total / MB:.0f} MB", done / max(total, 1))

        configuration = self._paths.region_configuration
        content = region_files.configuration_without_credentials(configuration)
        writer.add_bytes("regiond.conf", content)
        for name, path in files:
            try:
                writer.add(name, path, on_bytes)
            except FileNotFoundError:  # MAAS has removed it; the check says whether it matters
                continue
        step.result(f"{len(writer.entries)} files, {done / MB:.1f} MB")

    def _missing(self, writer: archive.Writer) -> list[str]:
        if not self._images:
            return []
        return sorted(
            name
            for name, size in self._named.items()
            if name not in writer.entries or writer.entries[name].size != size
        )

    def _check_room(self, database_size: int) -> None:
        files = region_files.found(self._paths, self._images)
        needed = database_size + sum(_size(path) for _, path in files)
        free = shutil.disk_usage(self._directory).free
        if needed // MB + dump.LEAST_FREE_MB > free // MB:
            raise VolumeUnusable(
                f"cannot make a backup in {self._directory}: it may need {needed // MB} MB, and"
                f" {free // MB} MB are free. Give it another directory, or leave the images out"
                " (--without-images)"
            )


@contextmanager
def _snapshot(connection: Connection) -> Iterator[str]:
    """Hold one moment of the database, for all that is read and dumped in it; yield its name."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0]) if row else ""
    finally:
        if not connection.broken:
            connection.execute("ROLLBACK")


def _refuse_unsuitable(connection: Connection, settings: Settings, paths: Paths) -> None:
    if file := unfinished_restore.find(paths, connection):
        raise RestoreFailed(
            f"cannot back up what a restore of {file} has left half done. Finish it first:"
            f" {unfinished_restore.command(paths, file)}"
        )
    found = state.find(connection, packaged.read())
    if found.state is not state.State.CURRENT and not found.only_by_version:
        raise DatabaseUnsuitable(
            f"cannot back up the database {settings.postgres_db}: it is"
            f" {found.state.value} ({found.detail}). Start MAAS first, or use the image of"
            " the MAAS that used it last"
        )


def _check_result(manifest: archive.Manifest, named: dict[str, int], images: bool) -> str:
    if not images:
        return f"the {len(named)} images that the database names were left out"
    there = len(named) - len(manifest.missing)
    return f"{there} of {len(named)} images that the database names are there"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # MAAS has just removed it
        return 0


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(str(row[0])) if row else 0
