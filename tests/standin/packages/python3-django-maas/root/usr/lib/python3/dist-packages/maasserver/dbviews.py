"""Views and triggers outside the migrations (maas-region-run.md 4).

dbupgrade drops them first, each in its own transaction, migrates, and makes them again: killed in
between, the migrations are complete while 3 views and 242 triggers are missing. 3.7 drops them
only on the way from an older version, and leaves it to Alembic to make its own.
"""

from __future__ import annotations

from django.db import connection, transaction

from maasserver import viewsql

TRIGGERS = 242


def drop() -> None:
    """Each drop commits on its own; what is missing is passed over."""
    with connection.cursor() as cursor:
        for view in viewsql.VIEWS:
            cursor.execute(f"DROP VIEW IF EXISTS {view}")
        cursor.execute(
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE starts_with(t.tgname::text, %s) ORDER BY 1",
            [viewsql.PREFIX],
        )
        for trigger, table in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")


def create() -> None:
    """Everything again, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(viewsql.NOTIFY)
        cursor.execute(viewsql.create_triggers(1, TRIGGERS))
        for view, query in viewsql.VIEWS.items():
            cursor.execute(viewsql.create_view(view, query))
