"""What a generated migration does: its tables, if it has any, and one step that cannot repeat.

MAAS's migrations change tables, so two runs of dbupgrade at once collide (maas-region-run.md 4,
"No lock in dbupgrade"). Here every migration renames one column from its predecessor's number to
its own: it waits for a concurrent run's transaction and then fails, as MAAS's do.
"""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState

SQL = Path(__file__).parent / "sql"


def operations(app: str, number: int, name: str) -> list[Operation]:
    """The operations of the `number`th migration of an application, counted from 1."""
    table = f"{app}_standin_steps"
    if number > 1:
        step = f"ALTER TABLE {table} RENAME COLUMN step_{number - 1} TO step_{number}"
        planned = []
    else:
        step = f"CREATE TABLE {table} (step_1 boolean)"
        planned = _models_as_they_are(app)
    steps: list[Operation] = [migrations.RunSQL(step, state_operations=planned)]
    own = SQL / f"{app}.{name}.sql"
    if own.exists():
        steps.append(migrations.RunSQL(own.read_text()))
    return steps


def _models_as_they_are(app: str) -> list[Operation]:
    """Django finds no difference between models and migrations, whatever its version."""
    states = [ModelState.from_model(model) for model in apps.get_app_config(app).get_models()]
    return [
        migrations.CreateModel(
            state.name, list(state.fields.items()), state.options, state.bases, state.managers
        )
        for state in states
    ]
