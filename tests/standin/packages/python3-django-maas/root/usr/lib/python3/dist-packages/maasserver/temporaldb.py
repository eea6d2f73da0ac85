"""Temporal's part of dbupgrade: its packaged SQL tool, twice (maas-region-run.md 3.2)."""

from __future__ import annotations

import subprocess

from django.db import connection
from provisioningserver import delays, paths, release

TOOL = "/usr/bin/temporal-sql-tool"
SCHEMA_FILES = "/var/lib/temporal/schema"
SCHEMAS = {"temporal": "temporal", "temporal_visibility": "visibility"}


def migrate() -> None:
    """The password is an argument of the tool for a moment, as it is in MAAS."""
    settings = connection.settings_dict
    delays.pause(delays.TEMPORAL_SCHEMA)
    for schema, directory in SCHEMAS.items():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            if schema == "temporal_visibility":
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA {schema}")
        command = [
            paths.program(TOOL),
            *("--plugin", release.TEMPORAL_PLUGIN),
            *("--endpoint", settings["HOST"]),
            *("--port", settings["PORT"]),
            *("--user", settings["USER"]),
            *("--password", settings["PASSWORD"]),
            *("--database", settings["NAME"]),
            *("--connect-attributes", f"search_path={schema}"),
        ]
        versioned = paths.program(f"{SCHEMA_FILES}/{directory}/versioned")
        for action in (["setup-schema", "-v", "0.0"], ["update-schema", "-d", versioned]):
            done = subprocess.run(command + action, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"temporal-sql-tool {action[0]}: {done.stderr.strip()}")
