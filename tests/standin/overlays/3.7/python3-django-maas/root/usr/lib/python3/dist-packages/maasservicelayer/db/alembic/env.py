"""Alembic's environment: all revisions of one run in one transaction (maas-37-region-run.md 1)."""

from __future__ import annotations

from logging.config import fileConfig

from alembic import context
from provisioningserver import delays
from sqlalchemy import create_engine, pool

config = context.config
fileConfig(config.config_file_name, disable_existing_loggers=False)
engine = create_engine(config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)

with engine.connect() as connection:
    context.configure(
        connection=connection,
        on_version_apply=lambda **_: delays.pause(delays.REVISION),
    )
    with context.begin_transaction():
        context.run_migrations()
