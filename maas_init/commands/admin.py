"""`maas-init admin`: sets the password of an administrator, or adds one."""

import getpass
import sys
from pathlib import Path

import psycopg

from maas_init.errors import ConfigurationUnusable, DatabaseUnavailable, InitError
from maas_init.steps import admin, database
from settings import Settings, check

# Where the password is read from when it is not a file.
STDIN = "-"


def run(settings: Settings, username: str, email: str | None, password_file: str | None) -> str:
    """Do what is needed so that `username` is an administrator with this password; say what.

    Raises InitError.
    """
    try:
        check.user_name(username)
        email = check.email(email) if email else f"{username.partition('@')[0]}@localhost"
    except ValueError as error:
        raise ConfigurationUnusable(
            f"cannot use the user name or e-mail address: it {error}"
        ) from None
    if username in admin.SYSTEM_USERS:
        raise ConfigurationUnusable(f"cannot change {username}: MAAS keeps that user for itself")
    row = _find(settings, username)
    if row is not None and row != (True, True):
        state = "not active" if row[0] else "not an administrator"
        raise InitError(
            f"cannot make {username} an administrator: a user of that name exists and is {state}."
            " Change that in MAAS (Settings, Users), or take another name"
        )
    password = read_password(password_file)
    if row is None:
        admin.create(username, email, password)
        return f"created the administrator {username}"
    admin.set_password(username, password)
    return f"set the password of {username}"


def _find(settings: Settings, username: str) -> tuple[object, ...] | None:
    query = "SELECT is_superuser, is_active FROM public.auth_user WHERE username = %s"
    try:
        with database.connect(settings) as connection:
            return connection.execute(query, [username]).fetchone()
    except psycopg.errors.UndefinedTable:
        raise InitError(
            f"cannot look for users in the database {settings.postgres_db}: MAAS has not made its"
            " tables yet. Start MAAS first; its log says what it waits for"
        ) from None
    except psycopg.OperationalError as error:
        failure = error
    why = database.explain(failure, settings)
    raise DatabaseUnavailable(f"cannot reach the database: {why}")


def read_password(file: str | None) -> str:
    """Read a password from a file, from a terminal (twice), or else from standard input.

    Raises ConfigurationUnusable.
    """
    if file and file != STDIN:
        try:
            password = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigurationUnusable(f"cannot read the password from {file}: {why}") from None
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise ConfigurationUnusable("cannot set the password: the two are not the same")
    else:
        password = sys.stdin.readline()
    password = password.rstrip("\r\n")
    if not password:
        raise ConfigurationUnusable(
            "cannot set an empty password: type it, or give it by --password-file or on standard"
            " input"
        )
    try:
        return check.text(password)
    except ValueError as error:
        raise ConfigurationUnusable(f"cannot use the password: it {error}") from None
