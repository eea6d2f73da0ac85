"""Replacing a file as MAAS does: atomically, and keeping the owner of what it replaces.

A file of another user is therefore never replaced by an unprivileged regiond: the temporary
file cannot be given away (EPERM) and the old content stays (maas-region-run.md 2).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

WRITE_FILE = "/usr/lib/maas/maas-write-file"


def atomic_write(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Write `content` to `path`; return whether anything changed."""
    raw = content.encode() if isinstance(content, str) else content
    try:
        old = path.stat()
        if path.read_bytes() == raw:
            return False
    except FileNotFoundError:
        old = None
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
        if old is not None:
            os.chown(temporary, old.st_uid, old.st_gid)
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def sudo_write(path: Path, content: str) -> bool:
    """Have a root helper write `content`, unless it is there (maas-region-run.md 1.3)."""
    if path.exists() and path.read_text() == content:
        return False
    command = ["sudo", "-n", WRITE_FILE, str(path), "0644"]
    done = subprocess.run(command, input=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{WRITE_FILE} {path}: rc {done.returncode}: {done.stderr.strip()}")
    return True
