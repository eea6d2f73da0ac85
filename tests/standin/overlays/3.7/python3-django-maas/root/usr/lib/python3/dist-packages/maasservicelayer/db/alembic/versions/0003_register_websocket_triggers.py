"""register websocket triggers

The other half.
"""

from __future__ import annotations

from alembic import op
from maasserver import viewsql

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    op.execute(viewsql.replace_triggers(81, 160))
