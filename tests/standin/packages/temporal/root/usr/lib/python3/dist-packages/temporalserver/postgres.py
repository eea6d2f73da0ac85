"""Connections to PostgreSQL, for the server and for temporal-sql-tool."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
import psycopg2.extensions

CONNECT_TIMEOUT = 5
"""Seconds."""

GIVE_UP = 10_000
"""Milliseconds after which a connection that the server does not acknowledge is a lost one."""


def connect(
    host: str, port: str, user: str, password: str, database: str, attributes: Mapping[str, str]
) -> psycopg2.extensions.connection:
    """Connect attributes are settings of the session, such as search_path."""
    return psycopg2.connect(
        host=host,
        port=port,
        user=user,
        password=password,
        dbname=database,
        options="".join(f" -c {key}={value}" for key, value in attributes.items()),
        connect_timeout=CONNECT_TIMEOUT,
        keepalives_idle=30,
        tcp_user_timeout=GIVE_UP,
    )
