"""A directory that holds backups: their names, how many are kept, and whether it will do."""

import os
import re
import shutil
import time
from pathlib import Path

from maas_init.errors import VolumeUnusable
from maas_init.steps import dump

WITHOUT_IMAGES = "-without-images"
INCOMPLETE = "-incomplete"
BEFORE_RESTORE = "-before-restore"
_NAME = re.compile(
    rf"maas-backup-\d{{8}}T\d{{6}}Z(|{WITHOUT_IMAGES}|{INCOMPLETE}|{BEFORE_RESTORE})\.tar"
)
MB = dump.MB


def all_in(directory: Path) -> list[Path]:
    """Return the backups in a directory, oldest first."""
    return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))


def new_name(directory: Path, kind: str) -> Path:
    """Return the path of a backup that is made now. `kind` is the end of its name, or nothing."""
    while (path := directory / f"maas-backup-{dump.stamp()}{kind}.tar").exists():
        time.sleep(0.1)
    return path


def partial_files(directory: Path, kind: str) -> tuple[Path, Path]:
    """Return where a backup's dump, and the backup itself, are until it is complete."""
    return directory / f".maas-backup{kind}.dump", directory / f".maas-backup{kind}.partial"


def remove_old(newest: Path, kept: int, spare: Path | None = None) -> None:
    """Keep so many of each kind: what has no images must not push out what has them.

    A clock that was wrong once gives others a later name: the newest is the one just made. `spare`
    is in use.
    """
    others = [
        path
        for path in all_in(newest.parent)
        if _kind(path) == _kind(newest) and path != newest and not (spare and path.samefile(spare))
    ]
    for old in others[: max(0, len(others) + 1 - kept)]:
        old.unlink()


def refuse_unwritable(directory: Path) -> None:
    """Raise VolumeUnusable for what is no directory, or cannot be written."""
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


def keep_room(directory: Path) -> None:
    """Raise VolumeUnusable when the file system is about to be full: PostgreSQL may be on it."""
    free = shutil.disk_usage(directory).free // MB
    if free < dump.LEAST_FREE_MB:
        raise VolumeUnusable(
            f"cannot make a backup: {directory} has only {free} MB free. Make room there,"
            " or give it another directory"
        )


def _kind(path: Path) -> str:
    found = _NAME.fullmatch(path.name)
    return found[1] if found else ""
