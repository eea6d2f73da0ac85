"""Step: an administrator exists."""

from maas_init import maas_command
from maas_init.errors import ConfigurationUnusable, InitError
from maas_init.steps.database import Connection
from settings import Settings

TIMEOUT_SECONDS = 120.0
# Users that MAAS makes for itself (facts/maas-region-run.md 4).
SYSTEM_USERS = ["MAAS", "maas-init-node"]


def exists(connection: Connection) -> bool:
    """Say whether somebody can administer this MAAS."""
    row = connection.execute(
        "SELECT 1 FROM auth_user WHERE is_superuser AND is_active AND NOT username = ANY(%s)",
        [SYSTEM_USERS],
    ).fetchone()
    return row is not None


def required_password(settings: Settings) -> str:
    """Return the first administrator's password. Raises ConfigurationUnusable."""
    if not settings.maas_admin_password:
        raise ConfigurationUnusable(
            "cannot create the administrator: MAAS_ADMIN_PASSWORD is not set, and the database has"
            " no administrator yet. Example: MAAS_ADMIN_PASSWORD=a-long-password"
        )
    return settings.maas_admin_password


def create(settings: Settings) -> None:
    """Create the first administrator. The password goes through a pipe, not on a command line.

    Raises ConfigurationUnusable when there is no password for it, InitError when MAAS refuses.
    """
    password = required_password(settings)
    command = maas_command.django(
        "createadmin",
        "--username",
        settings.maas_admin_username,
        "--email",
        settings.maas_admin_email,
        "--ssh-import",
        "",
    )
    try:
        maas_command.run(
            command,
            timeout=TIMEOUT_SECONDS,
            stdin=f"{password}\n{password}\n",
            hide=password,
        )
    except maas_command.CommandFailed as error:
        raise InitError(
            f"cannot create the administrator {settings.maas_admin_username}: {error}"
        ) from None
