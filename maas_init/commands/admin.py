"""`maas-init admin`: sets the password of an administrator, or adds one."""

import getpass
import sys
from pathlib import Path

import psycopg

from maas_init.errors import ConfigurationUnusable, DatabaseUnavailable, InitError
from maas_init.steps import admin, database
from settings import LONGEST_SECRET, Settings, check, read_secret

# Where the password is read from when it is not a file.
STDIN = "-"


def run(settings: Settings, username: str, email: str | None, password_file: str | None) -> str:
    """Do what is needed so that `username` is an administrator with this password; say what.

    Raises InitError.
    """
    try:
        what = "user name"
        check.user_name(username)
        what = "e-mail address"
        email = check.email(email) if email else f"{username.partition('@')[0]}@localhost"
    except ValueError as error:
        raise ConfigurationUnusable(f"cannot use the {what}: it {error}") from None
    exists = _find(settings, username)
    password = read_password(password_file)
    if not exists:
        with database.connect(settings) as connection:
            admin.create(connection, username, email, password)
        return f"created the administrator {username}"
    admin.set_password(username, password)
    return f"set the password of {username}"


def _find(settings: Settings, username: str) -> bool:
    try:
        with database.connect(settings) as connection:
            return admin.is_administrator(connection, username)
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
            password = read_secret(Path(file))
        except ValueError as error:
            raise ConfigurationUnusable(f"cannot use the password: it {error}") from None
    elif sys.stdin.isatty():
        try:
            password = getpass.getpass("Password: ")
            again = getpass.getpass("Again: ")
        except EOFError:
            password = again = ""
        if again != password:
            raise ConfigurationUnusable("cannot set the password: the two are not the same")
    else:
        password = sys.stdin.readline(LONGEST_SECRET).rstrip("\r\n")
    if not password:
        raise ConfigurationUnusable(
            "cannot set an empty password: type it, or give it by --password-file or on standard"
            " input"
        )
    try:
        return check.text(password)
    except ValueError as error:
        raise ConfigurationUnusable(f"cannot use the password: it {error}") from None
