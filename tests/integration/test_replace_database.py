"""A dump in the place of a database's content, as a role that owns no more than the database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from database_server import Server

from maas_init import maas_command
from maas_init.report import Report, Step
from maas_init.steps import database, dump, replace_database
from settings import Settings

FILL = (
    "CREATE SCHEMA temporal; CREATE TABLE temporal.t (id int GENERATED ALWAYS AS IDENTITY, x text);"
    "INSERT INTO temporal.t (x) VALUES ('{0}');"
    "CREATE TYPE kind AS ENUM ('a'); CREATE DOMAIN small AS int CHECK (VALUE < 9);"
    "CREATE TABLE t (id serial PRIMARY KEY, k kind, s small, x text);"
    "INSERT INTO t (k, s, x) VALUES ('a', 1, '{0}');"
    "CREATE VIEW v AS SELECT x FROM t; CREATE MATERIALIZED VIEW m AS SELECT x FROM v;"
    "CREATE FUNCTION f(kind, small) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE AGGREGATE last_of(int) (SFUNC = int4larger, STYPE = int);"
    "SELECT lo_create(4242)"
)


@pytest.fixture
def owner(server: Server) -> Iterator[Settings]:
    """Give a database, and a role that owns it and nothing else, `public` neither, as up to 14."""
    server.sql("CREATE ROLE owner LOGIN PASSWORD 'owner'; CREATE DATABASE owned OWNER owner")
    server.sql(
        "ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO owner;"
        "CREATE EXTENSION btree_gin; COMMENT ON EXTENSION btree_gin IS 'by the administrator'",
        "owned",
    )
    settings = server.settings(
        POSTGRES_DB="owned", POSTGRES_USER="owner", POSTGRES_PASSWORD="owner"
    )
    yield settings
    server.sql("DROP DATABASE owned WITH (FORCE); DROP ROLE owner")


def fill(settings: Settings, text: str) -> None:
    with database.connect(settings) as connection:
        for statement in FILL.format(text).split(";"):
            connection.execute(statement.encode())


def texts(settings: Settings) -> list[str]:
    with database.connect(settings) as connection:
        rows = connection.execute("SELECT x FROM m UNION ALL SELECT x FROM temporal.t").fetchall()
    return [str(row[0]) for row in rows]


def test_all_of_it_or_nothing(owner: Settings, tmp_path: Path, server: Server) -> None:
    fill(owner, "old")
    dumped = tmp_path / "database.dump"
    dump.write(dumped, owner, lambda: None)
    server.sql("CREATE TABLE theirs (x int)", "owned")
    with database.connect(owner) as connection:
        connection.execute("UPDATE t SET x = 'new'")
        connection.execute("REFRESH MATERIALIZED VIEW m")
        connection.execute("CREATE TABLE temporal.more (x int)")
        connection.execute("UPDATE temporal.t SET x = 'new'")
    replace_database.unpack(dumped, lambda: None)
    replace_database.make_room(dumped, ["temporal"])
    assert (tmp_path / "database.sql").stat().st_mode & 0o777 == 0o600
    step = Step(Report(None), {"name": "replace"})

    content = (tmp_path / "database.sql").read_text()
    assert content.count("\nCOMMIT;") == 1  # none behind the large object
    broken = content.replace("\nCOMMIT;", "\nSELECT 1 / 0;\nCOMMIT;")
    (tmp_path / "database.sql").write_text(broken)
    with pytest.raises(maas_command.CommandFailed, match="division by zero"):
        replace_database.replace(dumped, owner, lambda: None, step)
    assert texts(owner) == ["new", "new"]

    (tmp_path / "database.sql").write_text(content)
    for _ in range(2):
        replace_database.replace(dumped, owner, lambda: None, step)
        assert texts(owner) == ["old", "old"]
    with database.connect(owner) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT FROM temporal.more")
    server.sql("SELECT x FROM theirs", "owned")  # what others own stays


def test_an_error_quotes_no_rows(owner: Settings, tmp_path: Path) -> None:
    dumped = tmp_path / "database.dump"
    (tmp_path / "database.sql").write_text(
        "CREATE TABLE secrets (id int, secret text);\n"
        "COPY secrets FROM stdin;\nnot-a-number\tthe-secret\n\\.\n"
    )
    replace_database.make_room(dumped, [])
    step = Step(Report(None), {"name": "replace"})
    with pytest.raises(maas_command.CommandFailed) as caught:
        replace_database.replace(dumped, owner, lambda: None, step)
    assert "invalid input syntax for type integer" in str(caught.value)
    assert "the-secret" not in str(caught.value)
