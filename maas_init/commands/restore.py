"""`maas-init restore`: brings a backup back, whole, whatever interrupts it.

Until the database's one transaction is committed nothing that was there has changed. From then on
a note keeps MAAS from starting until the files are in their places, too.
"""

import contextlib
import os
import shutil
import socket
from pathlib import Path

import psycopg

from maas_init import (
    archive,
    maas_command,
    maas_package,
    packaged,
    region_files,
    unfinished_restore,
)
from maas_init.commands import backup as backup_command
from maas_init.errors import (
    BackupUnusable,
    DatabaseUnavailable,
    InitError,
    RestoreFailed,
    VolumeUnusable,
)
from maas_init.paths import Paths
from maas_init.report import Report, Step
from maas_init.steps import (
    database,
    dump,
    lock,
    regions,
    replace_database,
    replace_files,
    server,
    state,
    volumes,
)
from maas_init.steps.database import Connection
from settings import Settings

MB = dump.MB
STAGE = ".restore"
# A dump is compressed; what psql reads is not.
UNPACKED_DUMP = 10


def run(settings: Settings, paths: Paths, file: Path) -> str:
    """Restore a backup; return what to do next. Raises InitError."""
    report = Report(None)
    with contextlib.ExitStack() as stack:
        try:
            with report.step("archive") as step:
                backup = stack.enter_context(archive.opened(file, _progress(file, step)))
                _refuse_newer(backup.manifest)
                step.result(_describe(backup))
        except archive.ArchiveUnusable as error:
            raise BackupUnusable(f"cannot restore {file}: the archive {error}") from None
        except OSError as error:
            raise BackupUnusable(_unreadable(file, error)) from None
        _restore(settings, paths, file, backup, report)
    return "restored: docker compose up -d"


def _restore(
    settings: Settings,
    paths: Paths,
    file: Path,
    backup: archive.Reader,
    report: Report,
) -> None:
    with report.step("database") as step:
        connection = database.wait(settings, step)
        text, _ = server.check(connection, settings)
        step.result(f"PostgreSQL {text} at {settings.postgres_host}:{settings.postgres_port}")
    with connection:
        with report.step("lock") as step:
            lock.acquire(connection, socket.gethostname(), step)
            regions.wait_until_unused(connection, step)
        server.check_owner(connection, settings)
        found = state.find(connection, packaged.read())
        if found.state is state.State.FOREIGN:
            state.refuse_unsuitable(found, settings.postgres_db)
        with report.step("volumes") as step:
            for warning in volumes.prepare(paths):
                step.say(warning)
        _Restore(settings, paths, file, backup, connection, report).run(found)


class _Restore:
    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        file: Path,
        backup: archive.Reader,
        connection: Connection,
        report: Report,
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._file = file
        self._backup = backup
        self._begun_before = unfinished_restore.find(paths, connection) is not None
        self._connection = connection
        self._report = report
        self._stage = paths.data / STAGE

    def run(self, found: state.Found) -> None:
        shutil.rmtree(self._stage, ignore_errors=True)
        try:
            with self._report.step("stage") as step:
                self._unpack(step)
                step.result(f"{len(self._backup.manifest.files)} files beside their places")
            if found.state is not state.State.EMPTY and not self._begun_before:
                with self._report.step("keep what is there") as step:
                    self._keep_what_is_there(step)
            with self._report.step("replace the database") as step:
                self._replace_database(step)
            with self._report.step("files") as step:
                moved = replace_files.replace(
                    self._backup.manifest, self._stage, self._settings, self._paths, step
                )
                step.result(f"{moved} in their places")
        finally:
            shutil.rmtree(self._stage, ignore_errors=True)
        unfinished_restore.end(self._paths)

    def _keep_what_is_there(self, step: Step) -> None:
        try:
            path = backup_command.before_restore(
                self._settings, self._paths, self._connection, self._report, self._file
            )
        except InitError as error:
            if not self._settings.maas_migrate_without_dump:
                raise RestoreFailed(
                    f"cannot keep what is there before it is replaced: {error}. Mend that, or set"
                    " MAAS_MIGRATE_WITHOUT_DUMP=yes if it can be lost"
                ) from None
            step.say(f"{error}. Going on, as MAAS_MIGRATE_WITHOUT_DUMP says")
        else:
            step.result(f"the way back is {unfinished_restore.command(self._paths, path)}")

    def _unpack(self, step: Step) -> None:
        files = self._backup.manifest.files
        total = sum(entry.size for entry in files.values())
        self._check_room(total + UNPACKED_DUMP * files[archive.DATABASE].size)
        done = 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            step.progress(f"{done / MB:.0f} of {total / MB:.0f} MB", done / max(total, 1))

        try:
            for name in files:
                self._backup.extract(name, self._stage / name, on_bytes)
            dumped = self._stage / archive.DATABASE
            replace_database.unpack(dumped, lambda: self._check_room(0))
            replace_database.make_room(dumped, self._backup.manifest.schemas)
        except archive.ArchiveUnusable as error:
            raise BackupUnusable(f"cannot restore {self._file}: the archive {error}") from None
        except maas_command.CommandFailed as error:
            raise BackupUnusable(
                f"cannot restore {self._file}: its dump cannot be unpacked: {error}"
            ) from None

    def _check_room(self, needed: int) -> None:
        self._check_room_in(self._paths.data, needed)
        for mount in region_files.mounted_below(self._paths.data):
            files = self._backup.manifest.files.items()
            here = [e.size for n, e in files if mount in (self._paths.data / n).parents]
            if mount != self._paths.data and needed:
                self._check_room_in(mount, sum(here))

    def _check_room_in(self, directory: Path, needed: int) -> None:
        free = shutil.disk_usage(directory).free
        if needed // MB + dump.LEAST_FREE_MB > free // MB:
            raise VolumeUnusable(
                f"cannot restore {self._file}: it needs {needed // MB} MB in {directory}, and"
                f" {free // MB} MB are free. Make room there, or enlarge the volume"
            )

    def _replace_database(self, step: Step) -> None:
        regions.wait_until_unused(self._connection, step)  # it may have been started meanwhile
        before = unfinished_restore.identify(self._connection)
        unfinished_restore.begin(self._paths, self._file, self._connection)
        try:
            replace_database.replace(
                self._stage / archive.DATABASE,
                self._settings,
                lambda: self._connection.execute("SELECT 1"),  # it has the lock
                step,
            )
        except maas_command.CommandFailed as error:
            # a connection that breaks at the very end leaves open whether it was committed
            if not self._is_another(before):
                raise RestoreFailed(
                    f"cannot restore the database, which is as it was: {error}"
                ) from None
        step.result(f"as of {self._backup.manifest.made}")

    def _is_another(self, before: str) -> bool:
        try:
            with database.connect(self._settings) as connection:
                return unfinished_restore.identify(connection) != before
        except psycopg.OperationalError as error:
            text = " ".join(str(error).split())
            again = unfinished_restore.command(self._paths, self._file)
            raise DatabaseUnavailable(
                f"cannot tell whether the database is restored, for it went away ({text}). When it"
                f" is back, restore once more: {again}"
            ) from None


def _progress(file: Path, step: Step) -> archive.OnBytes:
    total = max(1, file.stat().st_size)
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        step.progress(f"{done / MB:.0f} of {total / MB:.0f} MB read", done / total)

    return on_bytes


def _describe(backup: archive.Reader) -> str:
    manifest = backup.manifest
    images = "with images" if manifest.images else "without images"
    lacks = f", of which {len(manifest.missing)} are missing" if manifest.missing else ""
    return (
        f"whole; of {manifest.made}, MAAS {manifest.maas}, region {manifest.system_id or 'none'}"
        f" on {manifest.hostname}, {len(manifest.files)} files, {backup.size / MB:.1f} MB,"
        f" {images}{lacks}"
    )


def _refuse_newer(manifest: archive.Manifest) -> None:
    version = maas_package.version()
    shipped = packaged.read()
    unknown = sorted(set(manifest.migrations) - state.names(shipped))
    if maas_package.series(manifest.maas) > maas_package.series(version) or unknown:
        such = f" ({len(unknown)} of its migrations are unknown here)" if unknown else ""
        raise archive.ArchiveUnusable(
            f"is of MAAS {manifest.maas}, newer than {version} in this image{such}. Restore it with"
            " the image of that version"
        )


def _unreadable(file: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        uid, gid = os.geteuid(), os.getegid()
        return (
            f"cannot read {file}: UID {uid} may not. On the host: chown -R {uid}:{gid} <the file or"
            " directory that is mounted there>"
        )
    if isinstance(error, FileNotFoundError):
        return (
            f"cannot read {file}: there is no such file in the container. A file of the host must"
            " be mounted: docker compose run --rm -v /path/on/host/FILE:/restore.tar:ro maas"
            " maas-init restore /restore.tar"
        )
    return f"cannot read {file}: {error.strerror}"
