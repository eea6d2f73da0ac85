"""The administrator's key, with which init uses MAAS's API: found, or made once.

MAAS makes one for each user; its command would make another one at each call
(facts/maas-operate.md 2).
"""

import socket

import psycopg

from maas_init import maas_command
from maas_init.errors import InitError
from maas_init.region_api import Key
from maas_init.report import Report, Step
from maas_init.steps import database, lock
from maas_init.steps.database import Connection
from settings import Settings
from settings.check import SYSTEM_USERS

NAME = "maas-init"
TIMEOUT_SECONDS = 120.0


def find_or_make(settings: Settings) -> tuple[str, Key]:
    """Return an administrator's name and first key.

    Raises InitError, and psycopg.Error while the database cannot be reached.
    """
    with database.connect(settings) as connection:
        username = _administrator(connection, settings.maas_admin_username)
        key = _find(connection, username)
        if key is None:
            lock.acquire(connection, socket.gethostname(), Step(Report(None), {"name": "api key"}))
            key = _find(connection, username) or _make(connection, username)
        return username, key


def _administrator(connection: Connection, preferred: str) -> str:
    row = connection.execute(
        "SELECT username FROM public.auth_user"
        " WHERE is_superuser AND is_active AND NOT username = ANY(%s)"
        " ORDER BY username <> %s, id LIMIT 1",
        [list(SYSTEM_USERS), preferred],
    ).fetchone()
    if row is None:
        raise InitError(
            "cannot use MAAS's API: there is no administrator. Add one: maas-init admin NAME"
        )
    return str(row[0])


def _find(connection: Connection, username: str) -> Key | None:
    row = connection.execute(
        "SELECT c.key, t.key, t.secret FROM public.piston3_token t"
        " JOIN public.piston3_consumer c ON c.id = t.consumer_id"
        " JOIN public.auth_user u ON u.id = t.user_id"
        " WHERE u.username = %s ORDER BY t.id LIMIT 1",
        [username],
    ).fetchone()
    return Key(str(row[0]), str(row[1]), str(row[2])) if row else None


def _make(connection: Connection, username: str) -> Key:
    arguments = ("--username", username, "--generate", "--name", NAME)
    try:
        maas_command.run(maas_command.django("apikey", *arguments), timeout=TIMEOUT_SECONDS)
    except maas_command.CommandFailed as error:
        if database.is_gone(connection):
            raise psycopg.OperationalError(str(error)) from None
        raise InitError(f"cannot make an API key for {username}: {error}") from None
    key = _find(connection, username)
    if key is None:
        raise InitError(f"cannot find the API key of {username} that MAAS has just made")
    return key
