"""`maas-init run`: the steps in their order.

Each run converges: whatever point an earlier one was killed at, what is done is found done.
"""

import errno
import logging
import os
import platform
import socket
import subprocess
from pathlib import Path

import psycopg

import settings as all_settings
from maas_init.errors import (
    ConfigurationUnusable,
    DatabaseUnavailable,
    InitError,
    MigrationFailed,
    Unforeseen,
    VolumeUnusable,
)
from maas_init.paths import Paths
from maas_init.report import Report
from maas_init.steps import (
    admin,
    database,
    lock,
    migrate,
    region_configuration,
    service_files,
    state,
    volumes,
)
from settings import Settings, SettingsError

log = logging.getLogger("init")

# What a volume may answer although it could be written a moment ago.
VOLUME_ERRORS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.EACCES,
        errno.EPERM,
        errno.EISDIR,
        errno.ENOTDIR,
    }
)


def run() -> int:
    """Prepare everything; return the exit status."""
    paths = Paths.from_environment(os.environ)
    if _accepts(paths.region_socket):
        log.info("nothing to do: regiond runs already")
        return 0
    report = Report(paths.run / "init.json")
    try:
        _run(paths, report)
    except Exception as error:
        reason = _reason(error, paths)
        report.failed(reason)
        trace = error if isinstance(reason, Unforeseen) else None
        log.error("\n".join((str(reason), *reason.details)), exc_info=trace)
        return reason.exit_status
    report.done()
    log.info("done: MAAS can start")
    return 0


def _reason(error: Exception, paths: Paths) -> InitError:
    """Put an error into words; one that nobody foresaw is a mistake of our own."""
    if isinstance(error, InitError):
        return error
    if isinstance(error, psycopg.Error):
        text = " ".join(str(error).split())
        return DatabaseUnavailable(f"cannot go on: the database connection failed: {text}")
    if isinstance(error, OSError) and error.errno in VOLUME_ERRORS:
        return VolumeUnusable(f"cannot write {error.filename or paths.data}: {error.strerror}")
    return Unforeseen(f"cannot go on, because of a mistake in maas-init: {error!r}")


def _run(paths: Paths, report: Report) -> None:
    version = maas_version()
    log.info("MAAS %s on Python %s, UID %d", version, platform.python_version(), os.geteuid())
    report.version("maas", version)
    if version.endswith("+standin"):
        log.warning("this is a stand-in for MAAS: no machine can be managed with it")
    with report.step("settings"):
        settings = load_settings()
    with report.step("volumes") as step:
        for warning in volumes.prepare(paths):
            log.warning(warning)
        step.result(f"{paths.data} can be written")
    with report.step("database") as step:
        connection = database.wait(settings, step)
        server, warnings = database.check_versions(connection)
        for warning in warnings:
            log.warning(warning)
        report.version("postgresql", server)
        step.result(f"PostgreSQL {server} at {settings.postgres_host}:{settings.postgres_port}")
    with connection:
        with report.step("lock") as step:
            lock.acquire(connection, step)
        _prepare_database(connection, settings, paths, report)
    with report.step("service files") as step:
        service_files.remove_stale_files(paths)
        if service_files.make_dns_files(paths):
            step.say("MAAS has made new keys for named")
        service_files.write(paths, settings)
        step.result("nginx, named, squid, rsyslog, chrony")


def _prepare_database(
    connection: database.Connection, settings: Settings, paths: Paths, report: Report
) -> None:
    with report.step("state") as step:
        packaged = state.packaged_migrations()
        found = state.find(connection, packaged)
        state.refuse_unsuitable(found, settings.postgres_db)
        step.result(f"the database is {found.state.value}: {found.detail}")
    with report.step("regiond.conf") as step:
        changed = region_configuration.write(paths.region_configuration, settings)
        step.result("written" if changed else "unchanged")
    if found.state is state.State.EMPTY:
        admin.required_password(settings)  # rather now than after the migration
    if found.state is not state.State.CURRENT:
        with report.step("migrate") as step:
            migrate.wait_for_regions(connection, step)
            migrate.migrate(settings, found, paths.backups, step)
            after = state.find(connection, packaged)
            if after.state is not state.State.CURRENT:
                raise MigrationFailed(
                    "cannot use the database after its migration, which ended without an error: it"
                    f" is {after.state.value} ({after.detail})"
                )
            step.result(after.detail)
    migrate.finish(settings, paths.backups)
    with report.step("admin") as step:
        if admin.exists(connection):
            step.result("there is an administrator")
        else:
            admin.create(settings)
            step.result(f"created {settings.maas_admin_username}")


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationUnusable with all problems."""
    try:
        return all_settings.load(os.environ)
    except SettingsError as error:
        if len(error.problems) == 1:
            raise ConfigurationUnusable(f"cannot use the settings: {error.problems[0]}") from None
        count = len(error.problems)
        raise ConfigurationUnusable(
            f"cannot use the settings: {count} are wrong", tuple(error.problems)
        ) from None


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def maas_version() -> str:
    """Return the version of MAAS's package; a stand-in's ends in "+standin"."""
    output = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "maas-region-api"],
        capture_output=True,
        text=True,
    )
    return output.stdout or "not installed"
