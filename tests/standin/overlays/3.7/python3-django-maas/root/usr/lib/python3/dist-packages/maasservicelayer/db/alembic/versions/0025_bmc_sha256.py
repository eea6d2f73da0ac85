"""bmc sha256

Needs pgcrypto in public (maas-37-region-run.md 1).
"""

from __future__ import annotations

from alembic import op

revision: str = "0025"
down_revision: str | None = "0004"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public")
    op.execute("ALTER TABLE maasserver_bmc ADD COLUMN name_sha256 text")
    op.execute("UPDATE maasserver_bmc SET name_sha256 = encode(digest(name, 'sha256'), 'hex')")
