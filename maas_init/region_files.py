"""The files of a region that its database does not bring back: what a backup has of them.

Left out is what MAAS or init makes anew at each start (facts/maas-versions.md 4).
"""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

from maas_init import archive
from maas_init.paths import Paths
from maas_init.steps import region_configuration
from maas_init.steps.database import Connection

CONFIGURATION = Path("/etc/maas")
IMAGES = "image-storage"
BOOTLOADERS = "bootloaders"


def found(paths: Paths, with_images: bool) -> Iterator[tuple[str, Path]]:
    """Yield name in the archive and path of each file but regiond.conf."""
    for name in archive.FILES:
        path = paths.data / name
        if path != paths.region_configuration and path.is_file():
            yield name, path
    if with_images:
        yield from images(paths)
    mounts = mounted_below(CONFIGURATION)
    for name, path in _below(CONFIGURATION, archive.CONFIGURATION):
        # the others are the image's
        if any(path == mount or mount in path.parents for mount in mounts):
            yield name, path


def images(paths: Paths) -> Iterator[tuple[str, Path]]:
    """Yield name in the archive and path of each image, but what MAAS makes anew at each start."""
    for name, path in _below(paths.data / IMAGES, IMAGES):
        if PurePosixPath(name).parts[1] != BOOTLOADERS:
            yield name, path


def target(paths: Paths, name: str) -> Path:
    """Return where a file of the archive belongs."""
    first, *rest = PurePosixPath(name).parts
    if first == archive.CONFIGURATION:
        return CONFIGURATION.joinpath(*rest)
    return paths.data / name


def put_in_place(source: Path, target: Path) -> None:
    """Rename a file to its place, or to a neighbour of it first where that is another mount."""
    try:
        rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.new")
        shutil.copy(source, beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, target)


def rename(source: Path, target: Path) -> None:
    """Rename a file, and make the directories where it goes. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def configuration_without_credentials(path: Path) -> bytes:
    """Return regiond.conf without what init takes from the settings again."""
    configuration = region_configuration.read(path)
    for key in (*region_configuration.CREDENTIALS, "database_host", "database_port"):
        configuration.pop(key, None)
    return yaml.safe_dump(configuration).encode()


def named_by_database(connection: Connection, system_id: str) -> dict[str, int]:
    """Return the name in the archive -> size of each image that this region has, for MAAS, whole.

    Without an identity, of each that any region has.
    3.5 has called the files by their checksum until 3.5.13
    (github.com/canonical/maas: src/maasserver/models/bootresourcefile.py).
    """
    columns = {
        str(row[0])
        for row in connection.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = to_regclass('public.maasserver_bootresourcefile') AND attnum > 0"
        )
    }
    synchronised = connection.execute(
        "SELECT to_regclass('public.maasserver_bootresourcefilesync') IS NOT NULL"
    ).fetchone()
    if not columns or not (synchronised and synchronised[0]):
        return {}
    column = "filename_on_disk" if "filename_on_disk" in columns else "sha256"
    query = (
        f"SELECT DISTINCT f.{column}, f.size FROM public.maasserver_bootresourcefile f"
        " JOIN public.maasserver_bootresourcefilesync s ON s.file_id = f.id AND s.size = f.size"
        " JOIN public.maasserver_node n ON n.id = s.region_id WHERE %s IN ('', n.system_id)"
    )
    rows = connection.execute(query.encode(), [system_id]).fetchall()
    return {f"{IMAGES}/{name}": int(str(size)) for name, size in rows}


def mounted_below(top: Path) -> list[Path]:
    """Return what is mounted at a directory or below it."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = (Path(line.split()[4]) for line in lines)
    return [point for point in points if point == top or top in point.parents]


def _below(top: Path, name: str) -> Iterator[tuple[str, Path]]:
    def cannot_read(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # MAAS may have removed it just now
            raise error

    for directory, directories, files in os.walk(top, onerror=cannot_read):
        directories.sort()
        for file in sorted(files):
            path = Path(directory, file)
            if not path.is_symlink() and path.is_file():
                yield f"{name}/{path.relative_to(top)}", path
