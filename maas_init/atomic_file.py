"""Writes files so that a reader, or a power cut, meets the old one or the new one, whole."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace a file's content; say whether that changed it.

    `mode` are its permissions. Raises OSError.
    """
    try:
        if path.read_text(encoding="utf-8") == text and path.stat().st_mode & 0o7777 == mode:
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_directory(path.parent)
    return True


def sync_directory(path: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
