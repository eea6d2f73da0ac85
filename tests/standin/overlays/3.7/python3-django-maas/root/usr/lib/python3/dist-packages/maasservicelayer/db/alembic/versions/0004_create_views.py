"""create views

One of them is new in 3.7 (maas-37-region-run.md 1).
"""

from __future__ import annotations

from alembic import op
from maasserver import viewsql

revision: str = "0004"
down_revision: str | None = "0003"

SUBNETS = "SELECT min(id) AS id, cidr FROM maasserver_interface GROUP BY cidr"


def upgrade() -> None:
    views = {**viewsql.VIEWS, "maasserver_ui_subnet_view": SUBNETS}
    for name, query in views.items():
        op.execute(viewsql.create_view(name, query))
