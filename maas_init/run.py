"""`maas-init run`: the steps in their order.

Each run converges: whatever point an earlier one was killed at, what is done is found done.
"""

import contextlib
import errno
import logging
import os
import platform
import shutil
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg

import settings as all_settings
from maas_init import (
    atomic_file,
    backup_directory,
    file_lock,
    maas_command,
    maas_package,
    packaged,
    unfinished_restore,
)
from maas_init.commands import restore
from maas_init.errors import (
    ConfigurationUnusable,
    DatabaseRefused,
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
    dump,
    lock,
    low_ports,
    migrate,
    region_configuration,
    region_url,
    regions,
    server,
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
        errno.ELOOP,
    }
)
# Remembers a difference of Temporal's version that MAAS's own migration has left.
ACCEPTED = "accepted-temporal-version"


def run() -> int:
    """Prepare everything; return the exit status."""
    paths = Paths.from_environment(os.environ)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # the volumes' step will say why
            paths.run.mkdir(mode=0o700, exist_ok=True)
            lock_file = paths.run / "init.lock"
            stack.enter_context(
                file_lock.held(lock_file, "another maas-init run in this container")
            )
        if _accepts(paths.region_socket):
            log.info("nothing to do: regiond runs already")
            return 0
        return _reported(paths)


def load_settings(more_problems: Sequence[str] = ()) -> Settings:
    """Read the settings. Raises ConfigurationUnusable with all problems, and those given."""
    try:
        settings = all_settings.load(os.environ)
        problems = [*more_problems]
    except SettingsError as error:
        problems = [*error.problems, *more_problems]
    if len(problems) == 1:
        raise ConfigurationUnusable(f"cannot use the settings: {problems[0]}")
    if problems:
        raise ConfigurationUnusable(
            f"cannot use the settings: {len(problems)} are wrong", tuple(problems)
        )
    return settings


def reason(error: Exception, paths: Paths) -> InitError:
    """Put an error into words; one that nobody foresaw is a mistake of our own."""
    if isinstance(error, InitError):
        return error
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return DatabaseUnavailable(
            "cannot go on: another session keeps a table of MAAS's locked, as a restore does. Wait"
            " for its end, or end it"
        )
    if isinstance(
        error, (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
    ):
        text = " ".join(str(error).split())
        return DatabaseRefused(f"cannot go on: the database refuses: {text}")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        text = " ".join(str(error).split())
        return DatabaseUnavailable(f"cannot go on: the database connection failed: {text}")
    if isinstance(error, maas_command.CommandFailed):  # killed, say
        return InitError(f"cannot go on: {error}")
    if isinstance(error, OSError) and error.errno in VOLUME_ERRORS:
        return VolumeUnusable(f"cannot write {error.filename or paths.data}: {error.strerror}")
    mistake = Unforeseen(f"cannot go on, because of a mistake in maas-init: {error!r}")
    mistake.__cause__ = error
    return mistake


def say(error: InitError) -> None:
    """Log why a command ends: one message, and a trace of mistakes of our own only."""
    trace = error.__cause__ if isinstance(error, Unforeseen) else None
    log.error("\n".join((str(error), *error.details)), exc_info=trace)


def _reported(paths: Paths) -> int:
    report = Report(paths.run / "init.json")
    try:
        _run(paths, report)
    except Exception as error:
        ended = reason(error, paths)
        report.failed(ended)
        say(ended)
        return ended.exit_status
    report.done()
    log.info("done: MAAS can start")
    return 0


def _run(paths: Paths, report: Report) -> None:
    version = maas_package.version()
    log.info("MAAS %s on Python %s, UID %d", version, platform.python_version(), os.geteuid())
    report.version("maas", version)
    if version.endswith("+standin"):
        log.warning("this is a stand-in for MAAS: no machine can be managed with it")
    with report.step("settings"):
        for warning in all_settings.warnings(os.environ):
            log.warning(warning)
        settings = load_settings(low_ports.problems())
    url_check = region_url.Check(settings.maas_url)
    with report.step("volumes") as step:
        for warning in volumes.prepare(paths):
            log.warning(warning)
        step.result(f"{paths.data} can be written")
    with report.step("database") as step:
        connection = database.wait(settings, step)
        text, warnings = server.check(connection, settings)
        for warning in warnings:
            log.warning(warning)
        report.version("postgresql", text)
        step.result(f"PostgreSQL {text} at {settings.postgres_host}:{settings.postgres_port}")
    with connection:
        try:
            with report.step("lock") as step:
                lock.acquire(connection, socket.gethostname(), step)
            _refuse_half_restored(paths, connection)
            _prepare_database(connection, settings, paths, report)
            _write_service_files(settings, paths, report)
        except InitError as error:  # what MAAS said of it need not be the reason
            if not database.is_gone(connection):
                raise
            raise DatabaseUnavailable(
                f"{error}. The database went away: docker compose ps postgres", error.details
            ) from None
    if doubt := url_check.doubt():
        log.warning(doubt)


def _refuse_half_restored(paths: Paths, connection: database.Connection) -> None:
    if file := unfinished_restore.find(paths, connection):
        raise MigrationFailed(
            f"cannot start on what a restore of {file} has left half done. Finish it by the command"
            f" that began it: {unfinished_restore.command(paths, file)}. If that archive is lost,"
            f" and MAAS shall start on what is there: rm {unfinished_restore.note(paths)}"
        )
    # what is left of one that was killed before it changed anything
    unfinished_restore.end(paths)
    shutil.rmtree(paths.data / restore.STAGE, ignore_errors=True)
    for partial in backup_directory.partial_files(paths.backups, backup_directory.BEFORE_RESTORE):
        partial.unlink(missing_ok=True)


def _write_service_files(settings: Settings, paths: Paths, report: Report) -> None:
    with report.step("service files") as step:
        service_files.remove_stale_files(paths)
        if service_files.make_dns_files(paths):
            step.say("MAAS has made new keys for named")
        service_files.write(paths, settings)
        if warning := service_files.provide_drivers(paths):
            log.warning(warning)
        step.result("nginx, named, squid, rsyslog, chrony")


def _prepare_database(
    connection: database.Connection, settings: Settings, paths: Paths, report: Report
) -> None:
    with report.step("state") as step:
        shipped = packaged.read()
        found = state.find(connection, shipped)
        state.refuse_unsuitable(found, settings.postgres_db)
        server.check_owner(connection, settings)
        accepted = paths.backups / ACCEPTED
        if found.only_by_version and _read(accepted) == _difference(connection, found):
            found = replace(found, state=state.State.CURRENT)
        if found.state is state.State.EMPTY:
            admin.required_password(settings)  # rather now than after the migration
        others = regions.refuse_twin(connection, paths.data / "maas_id", step)
        if others:
            step.say(f"regions that run on this database already: {', '.join(others)}")
        step.result(f"the database is {found.state.value}: {found.detail}")
    with report.step("regiond.conf") as step:
        changed = region_configuration.write(paths.region_configuration, settings)
        step.result("written" if changed else "unchanged")
    if found.state is not state.State.CURRENT:
        with report.step("migrate") as step:
            settle = 0.0 if found.state is state.State.EMPTY else regions.SETTLE_SECONDS
            regions.wait_until_gone(connection, step, settle)
            migrate.migrate(connection, settings, shipped, found, paths.backups, step)
            after = state.find(connection, shipped)
            if after.only_by_version:
                log.warning("MAAS's migration ended without an error, but %s", after.detail)
                atomic_file.write(accepted, _difference(connection, after), 0o600)
            elif after.state is not state.State.CURRENT:
                raise MigrationFailed(
                    "cannot use the database after its migration, which ended without an error: it"
                    f" is {after.state.value} ({after.detail})"
                )
            step.result(after.detail)
    dump.tidy(connection, settings, paths.backups)
    with report.step("admin") as step:
        if admin.exists(connection):
            step.result("there is an administrator")
        else:
            password = admin.required_password(settings)
            admin.is_administrator(connection, settings.maas_admin_username)
            admin.create(
                connection, settings.maas_admin_username, settings.maas_admin_email, password
            )
            step.result(f"created {settings.maas_admin_username}")


def _difference(connection: database.Connection, found: state.Found) -> str:
    return f"{dump.identify(connection)} {found.detail}\n"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        return client.connect_ex(str(path)) in (0, errno.EAGAIN)  # or there is a queue
