"""Brings a backup's files to their places, when its database is in place."""

import errno
import shutil
from pathlib import Path

from maas_init import atomic_file, region_files
from maas_init.archive import CONFIGURATION, DATABASE, Manifest
from maas_init.paths import Paths
from maas_init.report import Step
from maas_init.steps import database
from settings import Settings


def replace(manifest: Manifest, stage: Path, settings: Settings, paths: Paths, step: Step) -> int:
    """Rename the files that were unpacked below `stage`; return how many. Raises OSError."""
    aside = paths.data / "restored"
    moved = 0
    changed = set()
    for name in manifest.files:
        if name == DATABASE:
            continue
        target = region_files.target(paths, name)
        try:
            region_files.put_in_place(stage / name, target)
        except OSError as error:
            if not name.startswith(f"{CONFIGURATION}/"):
                raise
            # its place is not mounted here: the rest does not need it
            region_files.put_in_place(stage / name, aside / name)
            step.say(
                f"{target} cannot be written ({error.strerror}): it is in {aside / name}. Mount a"
                f" volume at {region_files.CONFIGURATION} and move it there"
            )
            continue
        changed.add(target.parent)
        moved += 1
    # regiond writes them from the database where one is missing, and never compares them
    for old in (paths.data / "certificates").iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
        changed.add(old.parent)
    for directory in changed:
        atomic_file.sync_directory(directory)
    with database.connect(settings) as connection:
        named = region_files.named_by_database(connection, manifest.system_id)
    unknown = [(n, path) for n, path in region_files.images(paths) if n not in named]
    if unknown:
        _keep_images(unknown, aside, step)
    return moved


def _keep_images(unknown: list[tuple[str, Path]], aside: Path, step: Step) -> None:
    """Move images away that the restored database does not name: MAAS removes them at its start.

    github.com/canonical/maas: src/maasserver/bootresources.py, initialize_image_storage.
    """
    try:
        for name, path in unknown:
            region_files.rename(path, aside / name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        step.say(
            f"{len(unknown)} images are unknown to the backup, such as {path}, and MAAS removes"
            " them when it starts. Copy first what you want to keep"
        )
    else:
        step.say(f"{len(unknown)} images are unknown to the backup: they are now below {aside}")
