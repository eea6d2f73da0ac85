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

from maas_init import archive, atomic_file, maas_command, maas_package, packaged, region_files
from maas_init.errors import (
    BackupUnusable,
    DatabaseUnavailable,
    MigrationFailed,
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


def unfinished(paths: Paths) -> str | None:
    """Return the archive whose restore was interrupted when it had begun to change something."""
    try:
        return _note(paths).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def command(file: Path) -> str:
    """Return the command that restores a backup."""
    return f"docker compose run --rm maas maas-init restore {file}"


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
        with report.step("volumes"):
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
        self._begun_before = unfinished(paths) is not None
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
                with self._report.step("dump") as step:
                    self._dump(step)
            with self._report.step("replace the database") as step:
                self._replace_database(step)
            with self._report.step("files") as step:
                step.result(f"{self._move_files(step)} in their places")
        finally:
            shutil.rmtree(self._stage, ignore_errors=True)
        _note(self._paths).unlink()
        atomic_file.sync_directory(self._paths.backups)

    def _dump(self, step: Step) -> None:
        backups, note = self._paths.backups, dump.BEFORE_RESTORE
        try:
            path = dump.make_once(self._connection, self._settings, backups, step, note)
        except MigrationFailed as error:
            if not self._settings.maas_migrate_without_dump:
                raise
            step.say(f"{error}. Going on, as MAAS_MIGRATE_WITHOUT_DUMP says")
        else:
            step.result(f"what is replaced is in {path}")

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
        before = dump.identify(self._connection)
        atomic_file.write(_note(self._paths), f"{self._file}\n", 0o600)
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
                if not self._begun_before:  # else the files may be those of another database
                    _note(self._paths).unlink()
                raise RestoreFailed(
                    f"cannot restore the database, which is as it was: {error}"
                ) from None
        step.result(f"as of {self._backup.manifest.made}")

    def _is_another(self, before: str) -> bool:
        try:
            with database.connect(self._settings) as connection:
                return dump.identify(connection) != before
        except psycopg.OperationalError as error:
            text = " ".join(str(error).split())
            raise DatabaseUnavailable(
                f"cannot tell whether the database is restored, for it went away ({text}). When it"
                f" is back, restore once more: {command(self._file)}"
            ) from None

    def _move_files(self, step: Step) -> int:
        moved = 0
        changed = set()
        for name in self._backup.manifest.files:
            if name == archive.DATABASE:
                continue
            target = region_files.target(self._paths, name)
            try:
                region_files.put_in_place(self._stage / name, target)
            except OSError as error:
                if not name.startswith(f"{archive.CONFIGURATION}/"):
                    raise
                self._keep(name, target, error, step)
                continue
            changed.add(target.parent)
            moved += 1
        # regiond writes them from the database where one is missing, and never compares them
        for old in (self._paths.data / "certificates").iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
            changed.add(old.parent)
        for directory in changed:
            atomic_file.sync_directory(directory)
        return moved

    def _keep(self, name: str, target: Path, error: OSError, step: Step) -> None:
        """Put a file aside whose place is not mounted here: the rest does not need it."""
        kept = self._paths.data / "restored" / name
        region_files.put_in_place(self._stage / name, kept)
        step.say(
            f"{target} cannot be written ({error.strerror}): it is in {kept}. Mount a volume at"
            f" {region_files.CONFIGURATION} and move it there"
        )


def _note(paths: Paths) -> Path:
    return paths.backups / "unfinished-restore"


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
        uid = os.geteuid()
        return f"cannot read {file}: UID {uid} may not. On the host: chown {uid} FILE"
    if isinstance(error, FileNotFoundError):
        return (
            f"cannot read {file}: there is no such file in the container. A file of the host must"
            " be mounted: docker compose run --rm -v /path/on/host/FILE:/restore.tar:ro maas"
            " maas-init restore /restore.tar"
        )
    return f"cannot read {file}: {error.strerror}"
