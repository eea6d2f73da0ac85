"""add last_deployed to bootresources"""

from __future__ import annotations

from alembic import op

revision: str = "0001"
down_revision: str | None = "0000"


def upgrade() -> None:
    op.execute("ALTER TABLE maasserver_bootresource ADD COLUMN last_deployed timestamptz")
