"""Step: an administrator exists. Passwords go through a pipe, never on a command line."""

from maas_init import maas_command
from maas_init.errors import ConfigurationUnusable, InitError
from maas_init.steps.database import Connection
from settings import Settings
from settings.check import SYSTEM_USERS

TIMEOUT_SECONDS = 120.0
# What createadmin may say on a database that 3.7 has made (facts/maas-37-region-run.md 0).
NO_SITE = "Site matching query does not exist"


def exists(connection: Connection) -> bool:
    """Say whether somebody can administer this MAAS."""
    row = connection.execute(
        "SELECT 1 FROM public.auth_user"
        " WHERE is_superuser AND is_active AND NOT username = ANY(%s)",
        [list(SYSTEM_USERS)],
    ).fetchone()
    return row is not None


def is_administrator(connection: Connection, username: str) -> bool:
    """Say whether the user exists. Raises InitError where it does, and cannot administer MAAS."""
    row = connection.execute(
        "SELECT is_superuser, is_active FROM public.auth_user WHERE username = %s", [username]
    ).fetchone()
    if row is not None and row != (True, True):
        state = "not active" if row[0] else "not an administrator"
        raise InitError(
            f"cannot make {username} an administrator: a user of that name exists and is {state}."
            " Change that in MAAS (Settings, Users), or take another name (MAAS_ADMIN_USERNAME)"
        )
    return row is not None


def required_password(settings: Settings) -> str:
    """Return the first administrator's password. Raises ConfigurationUnusable."""
    if not settings.maas_admin_password:
        raise ConfigurationUnusable(
            "cannot create the administrator: MAAS_ADMIN_PASSWORD is not set, and the database has"
            " no administrator yet. Example: MAAS_ADMIN_PASSWORD=a-long-password"
        )
    return settings.maas_admin_password


def create(connection: Connection, username: str, email: str, password: str) -> None:
    """Let MAAS create an administrator. Raises InitError when it refuses."""
    try:
        _create(username, email, password)
    except InitError as error:
        if NO_SITE not in str(error):
            raise
        connection.execute(
            "INSERT INTO public.django_site (id, domain, name) OVERRIDING SYSTEM VALUE"
            " VALUES (1, '', '') ON CONFLICT DO NOTHING"
        )
        if not is_administrator(connection, username):
            _create(username, email, password)


def _create(username: str, email: str, password: str) -> None:
    _run(
        f"create the administrator {username}",
        ["createadmin", f"--username={username}", f"--email={email}", "--ssh-import="],
        f"{password}\n{password}\n",
        password,
    )


def set_password(username: str, password: str) -> None:
    """Let MAAS set the password of a user that exists. Raises InitError when it refuses."""
    _run(
        f"set the password of {username}", ["changepasswords"], f"{username}:{password}\n", password
    )


def _run(what: str, command: list[str], answers: str, password: str) -> None:
    try:
        maas_command.run(
            maas_command.django(*command), timeout=TIMEOUT_SECONDS, stdin=answers, hide=password
        )
    except maas_command.CommandFailed as error:
        raise InitError(f"cannot {what}: {error}") from None
