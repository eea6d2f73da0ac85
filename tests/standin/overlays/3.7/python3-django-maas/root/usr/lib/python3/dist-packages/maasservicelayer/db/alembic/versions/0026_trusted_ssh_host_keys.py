"""trusted ssh host keys

The table's name is the stand-in's own.
"""

from __future__ import annotations

from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"


def upgrade() -> None:
    op.execute("CREATE TABLE maasserver_standin_hostkey (id bigserial PRIMARY KEY, key text)")
