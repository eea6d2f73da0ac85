"""Writes files so that a reader, or a power cut, meets the old one or the new one, whole.

Who writes a file that others may write at the same time must hold a lock: the temporary file has
one name for each file, so that the next run replaces what a killed one left.
"""

import os
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace a file's content; say whether that changed it.

    `mode` are its permissions. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        if path.read_text(encoding="utf-8") == text and path.stat().st_mode & 0o7777 == mode:
            temporary.unlink(missing_ok=True)
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
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
