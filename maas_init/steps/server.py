"""Step: server, client, role and MAAS fit each other."""

import re

import psycopg

from maas_init import maas_command
from maas_init.errors import ConfigurationUnusable, DatabaseRefused
from maas_init.steps.database import NOT_ALLOWED, Connection, connect, refusal
from settings import Settings

OLDEST_SERVER = 12  # MAAS 3.5 to 3.7 (facts/maas-versions.md 1.1)
OLDEST_DOCUMENTED = 14
VERSION_TIMEOUT_SECONDS = 60.0
# Temporal's schemas need it; before 13 only a superuser may create it (facts/maas-versions.md 1.1).
EXTENSION = "btree_gin"
TRUSTED_SINCE = 13


def check(connection: Connection, settings: Settings) -> tuple[str, list[str]]:
    """Return the server's version, and warnings.

    Raises ConfigurationUnusable for versions that do not fit each other, DatabaseRefused where the
    role may not do what MAAS will do. Nothing is written.
    """
    text = _check_versions(connection)
    _check_tls(connection, settings)
    _check_role(connection, settings)
    _check_schema(connection, settings)
    warnings = []
    if connection.info.server_version // 10000 < OLDEST_DOCUMENTED:
        warnings.append(
            f"PostgreSQL {text} is older than {OLDEST_DOCUMENTED}, which MAAS's documentation asks"
            " for: upgrade it soon"
        )
    (encoding,) = _row(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        warnings.append(
            f"the database's encoding is {encoding}, not UTF8: MAAS answers with errors where a"
            " name holds other letters than English ones"
        )
    return text, warnings


def client_version() -> int:
    """Return the major version of the image's pg_dump."""
    output = maas_command.run(["pg_dump", "--version"], timeout=VERSION_TIMEOUT_SECONDS)
    match = re.search(r"\) (\d+)", output)
    if not match:
        raise RuntimeError(f"pg_dump --version says {output!r}")
    return int(match[1])


def _check_versions(connection: Connection) -> str:
    server = connection.info.server_version // 10000
    text = str(connection.info.parameter_status("server_version"))
    if server < OLDEST_SERVER:
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {text}: MAAS needs {OLDEST_SERVER} or newer. Dump the database,"
            " start a newer PostgreSQL with an empty volume, and restore the dump"
        )
    client = client_version()
    if server > client:  # pg_dump refuses a server that is newer than itself
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {text}: this image's client is {client}, and could not dump it"
            " before a migration. Use a newer image, or an older PostgreSQL (POSTGRES_IMAGE)"
        )
    return text


def _check_tls(connection: Connection, settings: Settings) -> None:
    """Refuse a server that insists on TLS: Temporal and its schema tool do not speak it to it.

    libpq, and so Django, takes TLS where it is offered.
    """
    if not connection.pgconn.ssl_in_use:
        return
    try:
        connect(settings, sslmode="disable").close()
    except psycopg.OperationalError as error:
        if "pg_hba" in str(error):
            reason = str(error).strip().splitlines()[-1]
            raise refusal(settings, NOT_ALLOWED, reason) from None
        raise


def _check_role(connection: Connection, settings: Settings) -> None:
    """Refuse a role that cannot migrate.

    MAAS asks for the database's owner, and creates schemas, tables and extensions; all rights on
    database and schema do as well (facts/maas-region-run.md 4).
    """
    user, database = settings.postgres_user, settings.postgres_db
    owner, may_create, in_public, standby = _row(
        connection,
        "SELECT pg_get_userbyid(datdba), has_database_privilege(datname, 'CREATE'),"
        " coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), true),"
        " pg_is_in_recovery() FROM pg_database WHERE datname = current_database()",
    )
    if standby:
        raise DatabaseRefused(
            f"cannot use PostgreSQL at {settings.postgres_host}:{settings.postgres_port}: it is a"
            " standby, which nobody can write to. Set POSTGRES_HOST to the primary"
        )
    if not (may_create and in_public):
        raise DatabaseRefused(
            f"cannot use the database {database} as {user}: it belongs to {owner}, and {user} may"
            " not create anything in it. As the server's administrator:"
            f' ALTER DATABASE "{database}" OWNER TO "{user}"'
        )


def _check_schema(connection: Connection, settings: Settings) -> None:
    """Refuse a place where MAAS's tables, or an extension that they need, cannot be."""
    (schema, available, installed, superuser) = _row(
        connection,
        "SELECT current_schema(),"
        f" EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = '{EXTENSION}'),"
        f" EXISTS (SELECT 1 FROM pg_extension WHERE extname = '{EXTENSION}'),"
        " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
    )
    user, database = settings.postgres_user, settings.postgres_db
    if schema != "public":
        raise ConfigurationUnusable(
            f"cannot use the database {database}: new tables of {user} go to the schema {schema},"
            " and MAAS's must be in public. In that database:"
            f' ALTER ROLE "{user}" IN DATABASE "{database}" SET search_path = public'
        )
    server = connection.info.server_version // 10000
    if not available:
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {server}: it has no {EXTENSION}, which Temporal needs. Install"
            " PostgreSQL's contrib package there"
        )
    if server < TRUSTED_SINCE and not (installed or superuser):
        raise ConfigurationUnusable(
            f"cannot use PostgreSQL {server} as {user}: only a superuser may create {EXTENSION}"
            f" there, which Temporal needs. Use PostgreSQL {TRUSTED_SINCE} or newer"
        )


def check_owner(connection: Connection, settings: Settings) -> None:
    """Refuse a database of MAAS's whose tables the role cannot change. Raises DatabaseRefused."""
    (table, owner, bootstrap) = _row(
        connection,
        "SELECT min(c.oid::regclass::text), min(pg_get_userbyid(c.relowner)),"
        " bool_or(c.relowner = 10) FROM pg_class c"
        " WHERE c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE')"
        " AND c.relnamespace IN (SELECT oid FROM pg_namespace"
        " WHERE nspname IN ('public', 'temporal', 'temporal_visibility'))"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
        " AND d.objid = c.oid AND d.deptype = 'e')",  # an extension's, as PostGIS has
    )
    if not table:
        return
    user, database = settings.postgres_user, settings.postgres_db
    mend = (
        f'As the server\'s administrator, in that database: REASSIGN OWNED BY "{owner}" TO "{user}"'
    )
    if bootstrap:  # PostgreSQL's own user, whose things cannot be given away all at once
        mend = f"Restore it again, into an empty database: pg_restore --no-owner --role={user}"
    raise DatabaseRefused(
        f"cannot use the database {database} as {user}: tables in it, such as {table}, belong to"
        f" {owner}. {mend}"
    )


def _row(connection: Connection, query: str) -> tuple[object, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row
