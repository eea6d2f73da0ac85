"""Replaces all that MAAS has in the database by a dump's content, in one transaction."""

import os
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from maas_init import maas_command
from maas_init.report import Step
from maas_init.steps import dump
from settings import Settings

# What MAAS of any version makes beside `public` (facts/maas-versions.md 1.1).
SCHEMAS = frozenset({"temporal", "temporal_visibility", "openfga"})

APPLICATION_NAME = "a restore"
# pg_restore's own settings stand there; what follows may be anybody's data.
HEAD_BYTES = 1024

# `public` itself stays: up to PostgreSQL 14 it is not the role's, and others may have rights there.
# Names are collected first, for a function that is gone by another's CASCADE has none any more.
_EMPTY_PUBLIC = """
SET client_min_messages = warning;
SET lock_timeout = '60s';
DO $do$
DECLARE
    commands text[];
    command text;
BEGIN
    SELECT array_agg(found.command ORDER BY found.rank) INTO commands FROM (
        SELECT CASE relkind WHEN 'S' THEN 2 ELSE 1 END AS rank,
            format('DROP %s IF EXISTS public.%I CASCADE', CASE relkind
                WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, relname)
                AS command
        FROM pg_class c WHERE relnamespace = 'public'::regnamespace
            AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
            AND pg_has_role(relowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                AND d.objid = c.oid AND d.deptype IN ('e', 'i'))
        UNION ALL
        SELECT 3, format('DROP ROUTINE IF EXISTS public.%I(%s) CASCADE', proname,
            pg_get_function_identity_arguments(oid))
        FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
            AND pg_has_role(proowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
        UNION ALL
        SELECT 4, format('DROP TYPE IF EXISTS public.%I CASCADE', typname)
        FROM pg_type t WHERE typnamespace = 'public'::regnamespace
            AND typtype IN ('e', 'd', 'r') AND pg_has_role(typowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass
                AND d.objid = t.oid AND d.deptype IN ('e', 'i'))
    ) AS found;
    -- images of a MAAS that came from before 3.5
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE');
    FOREACH command IN ARRAY coalesce(commands, '{}') LOOP
        EXECUTE command;
    END LOOP;
END
$do$;
"""


def unpack(dumped: Path, watch: Callable[[], object]) -> None:
    """Write beside a dump what psql can read of it, for the end of a pipe is no error to psql.

    A pg_restore of 17 or newer begins with a setting that older servers do not know, and one error
    ends the transaction. `watch` is called every second; an exception in it ends the unpacking.
    Raises CommandFailed for a dump that cannot be read.
    """
    content = _content(dumped)
    os.close(os.open(content, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    maas_command.run(
        ["pg_restore", *dump.PLAIN, f"--file={content}", str(dumped)],
        timeout=dump.TIMEOUT_SECONDS,
        on_tick=watch,
    )
    with content.open("r+b") as file:
        place = file.read(HEAD_BYTES).find(b"\nSET transaction_timeout")
        if place >= 0:
            file.seek(place)
            file.write(b"\n-- ")


def make_room(dumped: Path, schemas: list[str]) -> None:
    """Write beside a dump the script that drops MAAS's objects, and these schemas."""
    drops = (
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE;\n").format(sql.Identifier(name)).as_string()
        for name in sorted(SCHEMAS | set(schemas))
    )
    _emptying(dumped).write_text(_EMPTY_PUBLIC + "".join(drops), encoding="utf-8")


def replace(dumped: Path, settings: Settings, watch: Callable[[], object], step: Step) -> None:
    """Drop what is there, and bring in what was unpacked: all of it, or nothing.

    `watch` is called every second; an exception in it ends the transaction. Raises CommandFailed.
    """
    step.progress("one transaction, which changes nothing until its end")
    maas_command.run(
        [
            *("psql", "--no-psqlrc", "--quiet", f"--output={os.devnull}", "--single-transaction"),
            # terse: an error's context would quote rows, some of which are secrets
            *("--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse"),
            *(f"--file={_emptying(dumped)}", f"--file={_content(dumped)}"),
        ],
        timeout=dump.TIMEOUT_SECONDS,
        on_tick=watch,
        variables=dump.connection_variables(settings) | {"PGAPPNAME": APPLICATION_NAME},
        hide=settings.postgres_password,
    )


def _emptying(dumped: Path) -> Path:
    return dumped.with_suffix(".drop.sql")


def _content(dumped: Path) -> Path:
    return dumped.with_suffix(".sql")
