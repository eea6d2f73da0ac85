"""`dbupgrade`: slow, without a lock, and up to 3.6 blind to a newer database.

See maas-region-run.md 3.2 and 4, and for 3.7 maas-37-region-run.md 1.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from provisioningserver import delays, release

from maasserver import dbviews, temporaldb


class Command(BaseCommand):
    """Django's migrations, or what an older version left of them, Alembic's, Temporal's."""

    help = "Upgrades database schema for MAAS regiond."

    def handle(self, *args: object, **options: object) -> None:
        connection.ensure_connection()
        if release.ALEMBIC:
            self._upgrade_with_alembic()
        else:
            dbviews.drop()
            self._migrate()
            dbviews.create()
        self._say("Running Temporal migrations:")
        temporaldb.migrate()
        self._say("Applied all migrations.")

    def _upgrade_with_alembic(self) -> None:
        """Where there is a table alembic_version nobody looks at Django, not even if it is empty:
        the trap of a run that was killed between 0342 and 0343."""
        from maasservicelayer.db import upgrade

        tables = connection.introspection.table_names()
        if "django_migrations" in tables and "alembic_version" not in tables:
            dbviews.drop()
            self._migrate()
        upgrade.run(connection.settings_dict)

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection, self._progress)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self._say("Operations to perform:")
        self._say(f"  Apply all migrations: {', '.join(sorted(executor.loader.migrated_apps))}")
        self._say("Running migrations:")
        if not plan:
            self._say("  No migrations to apply.")
        elif executor.loader.applied_migrations:
            delays.pause(delays.MIGRATION_STATE)
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
