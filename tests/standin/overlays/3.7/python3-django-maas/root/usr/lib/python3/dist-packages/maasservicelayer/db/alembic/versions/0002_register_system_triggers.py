"""register system triggers

Half of 160 triggers; with the three of 0000 they are 163 (maas-37-region-run.md 1).
"""

from __future__ import annotations

from alembic import op
from maasserver import viewsql

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.execute(viewsql.NOTIFY)
    op.execute(viewsql.replace_triggers(1, 80))
