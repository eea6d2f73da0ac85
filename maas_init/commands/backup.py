"""`maas-init backup`: the region as it is, in one file, while everything runs."""

import os
import re
import shutil
import socket
import time
from datetime import datetime, timezone
from pathlib import Path

from maas_init import (
    archive,
    atomic_file,
    file_lock,
    maas_command,
    maas_package,
    packaged,
    region_files,
)
from maas_init.errors import DatabaseUnsuitable, InitError, VolumeUnusable
from maas_init.paths import Paths
from maas_init.report import Report, Step
from maas_init.steps import database, dump, lock, server, state
from maas_init.steps.database import Connection
from settings import Settings

MB = dump.MB
NAME = re.compile(r"maas-backup-\d{8}T\d{6}Z(|-without-images|-incomplete)\.tar")
_PARTIAL = ".maas-backup.partial"
_DUMP = ".maas-backup.dump"
_LOCK = ".maas-backup.lock"


class Incomplete(InitError):
    """The backup was made, and lacks something that the database names."""


def run(settings: Settings, paths: Paths, directory: Path, images: bool) -> Path:
    """Make a backup in `directory`; return its path.

    Raises InitError; Incomplete after a backup that lacks images, which is kept.
    """
    report = Report(None)
    _refuse_unwritable(directory)
    with file_lock.held(directory / _LOCK, "another maas-init backup to this directory"):
        try:
            return _Backup(settings, paths, directory, images, report).run()
        finally:
            for name in (_PARTIAL, _DUMP):
                (directory / name).unlink(missing_ok=True)


def all_in(directory: Path) -> list[Path]:
    """Return the backups in a directory, oldest first."""
    return sorted(path for path in directory.iterdir() if NAME.fullmatch(path.name))


class _Backup:
    def __init__(
        self, settings: Settings, paths: Paths, directory: Path, images: bool, report: Report
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._directory = directory
        self._images = images
        self._report = report
        self._named: dict[str, int] = {}
        for name in (_PARTIAL, _DUMP):  # of a backup that was killed
            (directory / name).unlink(missing_ok=True)

    def run(self) -> Path:
        dumped = self._directory / _DUMP
        with self._report.step("database") as step:
            manifest = self._dump(dumped, step)
            step.result(f"{dumped.stat().st_size / MB:.1f} MB")
        partial = self._directory / _PARTIAL
        writer = archive.Writer(partial)
        try:
            with self._report.step("files") as step:
                self._add_files(writer, dumped, step)
            with self._report.step("check") as step:
                manifest.missing = self._missing(writer)
                step.result(_check_result(manifest, self._named, self._images))
            writer.finish(manifest)
        except OSError as error:
            raise VolumeUnusable(
                f"cannot make the backup: {error.filename or partial}: {error.strerror or error}"
            ) from None
        finally:
            writer.close()
        kind = "" if self._images else "-without-images"
        path = self._name("-incomplete" if manifest.missing else kind)
        partial.rename(path)
        atomic_file.sync_directory(self._directory)
        self._remove_old(path)
        if manifest.missing:
            raise Incomplete(
                f"cannot back up {len(manifest.missing)} images that the database names, for they"
                f" are not in {self._paths.data / region_files.IMAGES}; all else is in {path}. If"
                " MAAS was just removing them, back up again; else have MAAS import them again",
                tuple(manifest.missing[:10]),
            )
        return path

    def _remove_old(self, newest: Path) -> None:
        """Keep some of each kind: what has no images must not push out what has them."""
        same = [path for path in all_in(self._directory) if _kind(path) == _kind(newest)]
        for old in same[: -self._settings.maas_backups_kept]:
            old.unlink()

    def _name(self, suffix: str) -> Path:
        while (path := self._directory / f"maas-backup-{_stamp()}{suffix}.tar").exists():
            time.sleep(0.1)
        return path

    def _dump(self, path: Path, step: Step) -> archive.Manifest:
        with database.connect(self._settings) as connection:
            version, _ = server.check(connection, self._settings)
            lock.acquire(connection, socket.gethostname(), step)
            # what is read here and what is dumped are of one moment
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = state.find(connection, packaged.read())
            if found.state is not state.State.CURRENT and not found.only_by_version:
                raise DatabaseUnsuitable(
                    f"cannot back up the database {self._settings.postgres_db}: it is"
                    f" {found.state.value} ({found.detail}). Start MAAS first, or use the image of"
                    " the MAAS that used it last"
                )
            size = _number(connection, "SELECT pg_database_size(current_database())")
            manifest = self._manifest(connection, version)
            self._named = region_files.named_by_database(connection, manifest.system_id)
            self._check_room(size)
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()

            def watch() -> None:
                connection.execute("SELECT 1")
                self._keep_room()
                done = path.stat().st_size
                step.progress(f"{done / MB:.0f} MB dumped", min(done / max(size, 1), 0.99))

            try:
                dump.write(path, self._settings, watch, f"--snapshot={(snapshot or [''])[0]}")
            except maas_command.CommandFailed as error:
                raise InitError(f"cannot dump the database: {error}") from None
        return manifest

    def _manifest(self, connection: Connection, server_version: str) -> archive.Manifest:
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
            postgresql=server_version,
            database=self._settings.postgres_db,
            system_id=system_id,
            hostname=socket.gethostname(),
            images=self._images,
            migrations=state.applied(connection),
            schemas=[str(row[0]) for row in schemas],
        )

    def _add_files(self, writer: archive.Writer, dumped: Path, step: Step) -> None:
        done = 0
        files = [(archive.DATABASE, dumped)]
        files += region_files.found(self._paths, self._images)
        total = sum(_size(path) for _, path in files)

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            self._keep_room()
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

    def _keep_room(self) -> None:
        free = shutil.disk_usage(self._directory).free // MB
        if free < dump.LEAST_FREE_MB:
            raise VolumeUnusable(
                f"cannot make a backup: {self._directory} has only {free} MB free. Make room there,"
                " or give it another directory"
            )


def _check_result(manifest: archive.Manifest, named: dict[str, int], images: bool) -> str:
    if not images:
        return f"the {len(named)} images that the database names were left out"
    there = len(named) - len(manifest.missing)
    return f"{there} of {len(named)} images that the database names are there"


def _kind(path: Path) -> str:
    found = NAME.fullmatch(path.name)
    return found[1] if found else ""


def _refuse_unwritable(directory: Path) -> None:
    if not directory.is_dir():
        raise VolumeUnusable(
            f"cannot back up to {directory}: it is no directory in the container. One of"
            " the host must be mounted: docker compose run --rm"
            f" --volume /path/on/host:{directory} maas maas-init backup {directory}"
        )
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise VolumeUnusable(
            f"cannot back up to {directory}: it is read-only. Mount a directory of the host there,"
            " without :ro"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        uid, gid = os.geteuid(), os.getegid()
        raise VolumeUnusable(
            f"cannot back up to {directory}: UID {uid} cannot write it. On the host: chown"
            f" {uid}:{gid} <the directory that is mounted at {directory}>"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # MAAS has just removed it
        return 0


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(str(row[0])) if row else 0


def _stamp() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
