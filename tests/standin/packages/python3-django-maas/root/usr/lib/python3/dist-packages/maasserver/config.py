"""regiond.conf: plain YAML, unknown keys tolerated (maas-region-run.md 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import yaml
from provisioningserver import paths
from provisioningserver.files import atomic_write
from provisioningserver.locks import FileLock

LOCK_WAIT = 5.0
"""Seconds before a stale lock makes every change fail (maas-region-run.md 6)."""


@dataclass(frozen=True)
class RegionConfig:
    """What the stand-in reads of regiond.conf, with MAAS's defaults."""

    maas_url: str = "http://localhost:5240/MAAS"
    broadcast_address: str = ""
    database_host: str = "localhost"
    database_port: int = 5432
    database_name: str = "maasdb"
    database_user: str = "maas"
    database_pass: str = ""
    num_workers: int = 4
    debug: bool = False

    @classmethod
    def load(cls) -> RegionConfig:
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in read().items() if key in known})

    def connect(self, **options: str) -> psycopg2.extensions.connection:
        """A connection of a process that does without Django."""
        return psycopg2.connect(
            host=self.database_host,
            port=self.database_port,
            dbname=self.database_name,
            user=self.database_user,
            password=self.database_pass,
            **options,
        )


def own_id() -> str:
    """The maas_id, or nothing where there is none yet."""
    try:
        return paths.maas_id().read_text().strip()
    except OSError:
        return ""


def read() -> dict[str, Any]:
    """The file as it is; a missing or empty one is an empty mapping."""
    path: Path = paths.region_config()
    try:
        return yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        return {}


def update(changes: dict[str, Any]) -> None:
    """Change keys under the lock that a stale link can hold for ever (6, "Stale locks")."""
    path = paths.region_config()
    lock = FileLock.for_file(path)
    lock.acquire(wait=LOCK_WAIT)
    try:
        content = yaml.safe_dump({**read(), **changes}, default_flow_style=False)
        atomic_write(path, content if changes or read() else "", 0o640)
        path.touch()
    finally:
        lock.release()
