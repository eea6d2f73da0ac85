"""Step: every directory that MAAS needs is there, can be written, and holds nobody else's files."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from maas_init.errors import VolumeUnusable
from maas_init.paths import Paths

# More would not be read anyway, and the command that mends them covers the rest.
PROBLEMS_SHOWN = 10
MB = 10**6
# What init itself and regiond's first files need, generously; and where MAAS runs out soon.
LEAST_FREE = 16 * MB
LITTLE_FREE = 1000 * MB
# A file system's own, which MAAS never looks at.
NOT_OURS = frozenset({"lost+found", ".zfs"})


def prepare(paths: Paths) -> list[str]:
    """Make and check the directories; return warnings.

    What is missing when regiond starts stops it silently or floods its log
    (facts/maas-region-run.md 2). Raises VolumeUnusable with every problem found.
    """
    problems: list[str] = []
    for directory, mode in _required(paths):
        problem = _make_usable(directory, mode)
        if problem:
            problems.append(problem)
            if directory == paths.data:
                break  # what lies below it has the same trouble
    else:
        problems += _foreign_files(paths.data, {*NOT_OURS, paths.backups.name})
        problems += _unsuitable(paths.data)
    if problems:
        raise VolumeUnusable("cannot use the volumes: " + problems[0], tuple(problems[1:]))
    optional = {
        paths.log / "proxy": "the log will be the container's alone, without files",
        paths.proxy_cache: "the package proxy cannot start",
    }
    warnings = [
        f"{consequence}: {problem}"
        for directory, consequence in optional.items()
        if (problem := _make_usable(directory, 0o750))
    ]
    free = _free(paths.data)
    if free < LITTLE_FREE:
        warnings.append(f"{paths.data} has only {free // MB} MB free: images need some thousand")
    return warnings


def _required(paths: Paths) -> Iterator[tuple[Path, int]]:
    yield paths.data, 0o750
    for name in ("certificates", "image-storage", "cache", "etc/chrony"):
        yield paths.data / name, 0o750
    yield from ((directory, 0o750) for directory in (paths.dns, paths.zones, paths.dns / "cache"))
    yield from ((directory, 0o750) for directory in (paths.proxy, paths.http, paths.temporal))
    yield from ((directory, 0o750) for directory in (paths.syslog, paths.syslog / "rsyslog"))
    yield paths.backups, 0o700
    yield paths.run, 0o700
    yield paths.metrics, 0o750
    yield paths.volatile / "lock", 0o750
    yield paths.volatile / "chrony", 0o750


def _make_usable(directory: Path, mode: int) -> str | None:
    """Make a directory if it is missing; return what is wrong with it, if anything.

    An access control list may let another UID than the owner write (TrueNAS's app datasets), so
    only writing shows whether it can be written.
    """
    try:
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:  # without a name: nothing can be left
            file.write(b"\0" * 4096)  # a full disk has room for a name
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return _describe(directory, error)
    return None


def _describe(directory: Path, error: OSError) -> str:
    uid, gid = os.geteuid(), os.getegid()
    there = directory
    while not os.path.exists(there) and there != there.parent:  # False where we may not look, too
        there = there.parent
    what = f"{directory} cannot be written ({error.strerror})"
    if error.errno == errno.EROFS:
        return f"{what}: mount a volume at {there}, without read_only"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}: make room there, or enlarge the volume or its quota"
    if isinstance(error, PermissionError):
        status = there.stat()
        return (
            f"{what}: {there} belongs to UID {status.st_uid}, GID {status.st_gid}, mode"
            f" {status.st_mode & 0o7777:04o}, but UID {uid} must be able to write it. On the host:"
            f" chown -R {uid}:{gid} <the directory that is mounted at {there}>"
        )
    return what


def _unsuitable(data: Path) -> list[str]:
    """Say what else the data volume lacks."""
    problems = []
    if os.statvfs(data).f_flag & os.ST_NOEXEC:  # facts/maas-region-run.md 1.3
        problems.append(
            f"{data} is mounted noexec, but MAAS runs programs from there. On the host, without"
            " that option: mount -o remount,exec <mount point>, or zfs set exec=on <dataset>"
        )
    free = _free(data)
    if free < LEAST_FREE:
        problems.append(
            f"{data} has {free / MB:.1f} MB free, and {LEAST_FREE // MB} MB are the least: make"
            " room there, or enlarge the volume or its quota"
        )
    return problems


def _free(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def _foreign_files(top: Path, except_for: set[str]) -> list[str]:
    """Name what below the data directory stops MAAS silently, except for some names at its top.

    It never replaces a file of another owner, and keeps its old content. A directory of another
    owner is fine as long as it can be written. Backups, which an operator may copy in as root, are
    none of MAAS's.
    """
    uid = os.geteuid()
    found: list[str] = []
    for directory, directories, files in os.walk(top):
        if directory == str(top):
            directories[:] = [name for name in directories if name not in except_for]
        for name in directories:
            path = Path(directory, name)
            if not path.is_symlink() and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                owner = _owner(path)
                found.append(
                    f"{path} belongs to UID {owner}, and UID {uid} cannot read and write it"
                )
        for name in files:
            path = Path(directory, name)
            owner = _owner(path)
            if owner not in (uid, None):
                found.append(f"{path} belongs to UID {owner}, but must belong to UID {uid}")
    if not found:
        return []
    more = len(found) - PROBLEMS_SHOWN
    return [
        f"{len(found)} files or directories below {top} belong to somebody else, which MAAS does"
        f" not get over. On the host: chown -R {uid}:{os.getegid()}"
        f" <the directory that is mounted at {top}>",
        *found[:PROBLEMS_SHOWN],
        *([f"and {more} more"] if more > 0 else []),
    ]


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # somebody's temporary file
        return None
