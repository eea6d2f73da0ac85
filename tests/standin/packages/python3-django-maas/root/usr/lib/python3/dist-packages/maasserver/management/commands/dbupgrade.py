"""`dbupgrade`: slow, without a lock, and blind to a newer database (maas-region-run.md 3.2, 4)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from provisioningserver import delays

from maasserver import dbviews, temporaldb


class Command(BaseCommand):
    """Drop views and triggers, migrate, make them again, then Temporal's schemas."""

    help = "Upgrades database schema for MAAS regiond."

    def handle(self, *args: object, **options: object) -> None:
        connection.ensure_connection()
        dbviews.drop()
        self._migrate()
        dbviews.create()
        self._say("Running Temporal migrations:")
        temporaldb.migrate()
        self._say("Applied all migrations.")

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection, self._progress)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self._say("Operations to perform:")
        self._say(f"  Apply all migrations: {', '.join(sorted(executor.loader.migrated_apps))}")
        self._say("Running migrations:")
        if not plan:
            self._say("  No migrations to apply.")
        executor.migrate(None, plan)

    def _progress(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
            self._say(f"  Applying {migration}...", ending="")
        elif action == "apply_success":
            delays.pause(delays.MIGRATION)
            self._say(" OK")

    def _say(self, text: str, ending: str = "\n") -> None:
        self.stdout.write(text, ending=ending)
        self.stdout.flush()
