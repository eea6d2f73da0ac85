"""Alembic's part of dbupgrade (maas-37-region-run.md 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

INI = Path(__file__).parent / "alembic/alembic.ini"
DSN = "postgresql+psycopg2://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}"
"""Nothing is quoted: a password with `@` or `%` breaks dbupgrade (maas-versions.md 0.5)."""


def run(settings: dict[str, Any]) -> None:
    """Up to the head; `settings` are Django's for the database."""
    config = Config(str(INI))
    config.set_main_option("sqlalchemy.url", DSN.format(**settings))
    command.upgrade(config, "head")
