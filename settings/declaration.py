"""The settings: one field of `Settings` each, with its check, default, example and help."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settings import check
from settings.region import PREFIX, RegionSetting


@dataclass(frozen=True)
class Declaration:
    """What is declared of one setting.

    `default` is the text that stands in for a variable that is not set; None: it has none, and the
    field is None then. `help` is for the user, a sentence or more.
    """

    name: str
    check: Callable[[str], Any]
    help: str
    example: str
    default: str | None
    required: bool
    secret: bool


def _setting(
    check: Callable[[str], Any],
    help: str,
    *,
    example: str,
    default: str | None = None,
    required: bool = False,
    secret: bool = False,
) -> Any:
    declared = {
        "check": check,
        "help": help,
        "example": example,
        "default": default,
        "required": required,
        "secret": secret,
    }
    return dataclasses.field(metadata=declared, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Every setting, read and checked. A variable's name is its field's name in capitals."""

    maas_url: str = _setting(
        check.maas_url,
        "The address under which machines, racks and browsers reach this region. The container"
        " itself must be able to reach it too.",
        example="http://192.0.2.10:5240/MAAS",
        required=True,
    )
    maas_admin_username: str = _setting(
        check.user_name,
        "Name of the first administrator, created when the database has none.",
        example="admin",
        default="admin",
    )
    maas_admin_password: str | None = _setting(
        check.text,
        "Password of the first administrator. Needed only while no administrator exists; changing"
        " it later changes nothing: maas-init admin does that.",
        example="a-long-password",
        secret=True,
    )
    maas_admin_email: str = _setting(
        check.email,
        "E-mail address of the first administrator.",
        example="admin@example.com",
        default="admin@localhost",
    )
    maas_admin_ssh_import: tuple[str, ...] | None = _setting(
        check.ssh_key_sources,
        "Whose public SSH keys MAAS imports for the administrator: lp:NAME of Launchpad, gh:NAME of"
        " GitHub, or several.",
        example="gh:NAME",
    )
    postgres_host: str = _setting(
        check.host,
        "Host name or address of PostgreSQL.",
        example="postgres",
        default="postgres",
    )
    postgres_port: int = _setting(
        check.integer(1, 65535), "Port of PostgreSQL.", example="5432", default="5432"
    )
    postgres_db: str = _setting(
        check.database_name, "Name of the database.", example="maasdb", default="maasdb"
    )
    postgres_user: str = _setting(
        check.database_name, "Role that owns the database.", example="maas", default="maas"
    )
    postgres_password: str = _setting(
        check.database_password,
        "Password of that role: letters, digits, _ and - are always safe.",
        example="another-long-password",
        required=True,
        secret=True,
    )
    maas_db_wait: int = _setting(
        check.integer(1, 3600),
        "How many seconds to wait for PostgreSQL at the start.",
        example="60",
        default="60",
    )
    maas_log_format: str = _setting(
        check.one_of("text", "json"),
        "How the lines of the container's log, and of its programs' files in /var/log/maas, look:"
        " text, or json, an object each.",
        example="json",
        default="text",
    )
    maas_workers: int | None = _setting(
        check.integer(1, 10),
        "Number of regiond's workers, each about 180 MB. Not set: by cores and memory, at most 4.",
        example="2",
    )
    maas_proxy_cache_mb: int = _setting(
        check.integer(100, 10_000_000),
        "How many MB the package proxy (squid) may keep on disk.",
        example="10240",
        default="10240",
    )
    maas_syslog_days: int = _setting(
        check.integer(1, 3650),
        "How many days the logs of MAAS's machines are kept in /var/log/maas/rsyslog. They are"
        " compressed after two days.",
        example="30",
        default="30",
    )
    maas_syslog_mb: int = _setting(
        check.integer(10, 10_000_000),
        "How many MB these logs may take. Beyond that, files over half of it go first, then the"
        " oldest.",
        example="1024",
        default="1024",
    )
    maas_backups_kept: int = _setting(
        check.integer(1, 1000),
        "How many dumps from before migrations, and how many backups, are kept in"
        " /var/lib/maas/backups.",
        example="3",
        default="3",
    )
    maas_migrate_without_dump: bool = _setting(
        check.boolean,
        "Migrate a database that holds data even when it cannot be dumped first (yes or no).",
        example="no",
        default="no",
    )
    maas_backup_max_age_days: int = _setting(
        check.integer(0, 3650),
        "After how many days without a backup (maas-init backup) health is degraded. 0: never, for"
        " who has other backups.",
        example="7",
        default="30",
    )
    maas_heal: bool = _setting(
        check.boolean,
        "Restart regiond when it hangs while PostgreSQL answers, at most 3 times an hour (yes or"
        " no).",
        example="yes",
        default="yes",
    )
    maas_health_listen: tuple[str, int] = _setting(
        check.listen_address,
        "Address and port of metrics, status page and endpoints inside the container. They have no"
        " login.",
        example="0.0.0.0:9568",
        default="0.0.0.0:9568",
    )
    region_settings: Mapping[str, RegionSetting] = dataclasses.field(
        default_factory=dict, repr=False
    )
    """MAAS's own: its name for each -> what `MAAS_SETTING_<name>` declares."""

    def connection_parameters(self) -> dict[str, Any]:
        """Return what psycopg needs to connect to the database."""
        return {
            "host": self.postgres_host,
            "port": self.postgres_port,
            "dbname": self.postgres_db,
            "user": self.postgres_user,
            "password": self.postgres_password,
        }


def declarations() -> Iterator[Declaration]:
    """Yield every setting in the order in which it is declared."""
    for field in dataclasses.fields(Settings):
        if not field.metadata:  # MAAS's own settings, which only MAAS knows
            continue
        yield Declaration(name=field.name.upper(), **field.metadata)


def secret_names() -> frozenset[str]:
    """Return the variables that hold a secret."""
    return frozenset(d.name for d in declarations() if d.secret)


def secret_variables(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the variables of an environment that hold a secret, or may: MAAS's own settings do."""
    return secret_names() | {name for name in environ if name.startswith(PREFIX)}
