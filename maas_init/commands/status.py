"""`maas-init status`: how database, migrations, last run and backups stand. Changes nothing."""

import json
import os
from datetime import datetime, timezone
from typing import Any

import psycopg

from maas_init import backup_directory, maas_package, packaged, unfinished_restore
from maas_init.errors import DatabaseRefused
from maas_init.paths import Paths
from maas_init.steps import database, dump, regions, server, state
from settings import Settings

Document = dict[str, Any]


def collect(settings: Settings, paths: Paths) -> Document:
    """Return what can be learnt at this moment; what cannot says why under `problem`."""
    return {
        "versions": {
            "maas": maas_package.version(),
            "image": os.environ.get("IMAGE_REVISION", "unknown"),
            "postgresql_client": server.client_version(),
        },
        "database": _database(settings, paths),
        "last_run": _last_run(paths),
        "backups": _backups(settings, paths),
    }


def healthy(document: Document) -> bool:
    """Say whether MAAS can work on the database as it is."""
    return bool(document["database"].get("state") == state.State.CURRENT.value)


def as_json(document: Document) -> str:
    """Return the document for programs."""
    return json.dumps(document, indent=1)


def as_text(document: Document) -> str:
    """Return the document for people."""
    versions, found = document["versions"], document["database"]
    lines = [
        f"MAAS {versions['maas']}, image {versions['image']},"
        f" PostgreSQL client {versions['postgresql_client']}",
        f"database {found['name']} at {found['host']}:{found['port']}:"
        f" {found.get('state', 'not reached')}: {found.get('detail') or found.get('problem')}",
    ]
    if "server" in found:
        count = f"migrations: {found['applied']} applied, {found['missing']} to come"
        known = found["state"] not in (state.State.AHEAD.value, state.State.FOREIGN.value)
        lines.append(f"PostgreSQL {found['server']}" + (f"; {count}" if known else ""))
        lines.append("regions connected: " + (", ".join(found["regions"]) or "none"))
    lines += _run_as_text(document["last_run"])
    backups = document["backups"]
    none = "" if backups["files"] or backups["problem"] else "none"
    lines.append(f"backups in {backups['directory']}: {none}".rstrip())
    lines += [f"  {b['time']}  {b['bytes'] / 10**6:9.1f} MB  {b['name']}" for b in backups["files"]]
    if backups["problem"]:
        lines.append(f"  {backups['problem']}")
    if found.get("unfinished_restore"):
        lines.append(f"a restore was interrupted; finish it: {found['unfinished_restore']}")
    if backups["unfinished_migration"]:
        lines.append(
            f"a migration has not succeeded yet; before it: {backups['unfinished_migration']}"
        )
    return "\n".join(lines)


def _run_as_text(run: Document | None) -> list[str]:
    if not run:
        return ["last run: none in this container"]
    lines = [f"last run: {run['state']}, begun {_time(run['started'])}"]
    for step in run["steps"]:
        seconds = f"{step['seconds']:.1f} s" if "seconds" in step else "so far"
        said = step.get("result") or step.get("progress") or ""
        lines.append(f"  {step['state']:8}{seconds:>9}  {step['name']}  {said}".rstrip())
    if "error" in run:
        lines.append(f"  {run['error']} (exit status {run['exit_status']})")
    return lines


def _database(settings: Settings, paths: Paths) -> Document:
    document: Document = {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "name": settings.postgres_db,
    }
    try:
        with database.connect(settings) as connection:
            found = state.find(connection, packaged.read())
            document |= {
                "state": found.state.value,
                "detail": found.detail,
                "applied": found.applied,
                "missing": found.missing,
                "server": connection.info.parameter_status("server_version"),
                "regions": list(regions.connected(connection)),
                "unfinished_restore": _unfinished_restore(connection, paths),
            }
    except psycopg.OperationalError as error:
        document["problem"] = _explain(error, settings)
    return document


def _unfinished_restore(connection: database.Connection, paths: Paths) -> str | None:
    try:
        file = unfinished_restore.find(paths, connection)
    except OSError:  # what is said of the backups tells it
        return None
    return unfinished_restore.command(paths, file) if file else None


def _explain(error: psycopg.OperationalError, settings: Settings) -> str:
    try:
        return database.explain(error, settings)
    except DatabaseRefused as refusal:
        return str(refusal)


def _last_run(paths: Paths) -> Document | None:
    try:
        document = json.loads((paths.run / "init.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _backups(settings: Settings, paths: Paths) -> Document:
    document: Document = {
        "directory": str(paths.backups),
        "files": [],
        "unfinished_migration": None,
        "problem": None,
    }
    try:
        for path in dump.all_of(settings, paths.backups) + backup_directory.all_in(paths.backups):
            status = path.stat()
            entry = {"name": path.name, "bytes": status.st_size, "time": _time(status.st_mtime)}
            document["files"].append(entry)
        unfinished = dump.unfinished(paths.backups)
        document["unfinished_migration"] = str(unfinished) if unfinished else None
    except OSError as error:
        document["problem"] = f"cannot read {error.filename}: {error.strerror}"
    return document


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
