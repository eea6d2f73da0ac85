import pytest
from database_server import Server

from maas_init.errors import ConfigurationUnusable, DatabaseRefused
from maas_init.steps import database as database_step
from maas_init.steps import server as server_step
from settings import Settings


def check(settings: Settings) -> tuple[str, list[str]]:
    with database_step.connect(settings) as connection:
        return server_step.check(connection, settings)


def test_a_server_that_suits(database: Settings) -> None:
    version, warnings = check(database)
    assert version.split(".")[0].isdecimal()
    assert warnings == []


def test_a_server_that_is_newer_than_pg_dump_or_too_old(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_step, "client_version", lambda: 11)
    with pytest.raises(ConfigurationUnusable, match="this image's client is 11"):
        check(database)
    monkeypatch.setattr(server_step, "OLDEST_SERVER", 99)
    with pytest.raises(ConfigurationUnusable, match="MAAS needs 99 or newer"):
        check(database)


def test_the_client_s_version() -> None:
    assert server_step.client_version() >= 15


def test_a_database_of_somebody_else(server: Server, database: Settings) -> None:
    server.sql("ALTER DATABASE maasdb OWNER TO postgres")
    with pytest.raises(DatabaseRefused) as caught:
        check(database)
    assert "belongs to postgres" in str(caught.value)
    assert 'ALTER DATABASE "maasdb" OWNER TO "maas"' in str(caught.value)
    # facts/maas-region-run.md 4: these rights do as well
    server.sql("GRANT ALL ON DATABASE maasdb TO maas")
    server.sql("GRANT ALL ON SCHEMA public TO maas", "maasdb")
    check(database)


@pytest.mark.parametrize("owner", ["postgres", "former"])
def test_tables_of_somebody_else(server: Server, database: Settings, owner: str) -> None:
    server.sql("CREATE TABLE maasserver_config ()", "maasdb")
    if owner == "former":
        server.sql("DROP ROLE IF EXISTS former; CREATE ROLE former")
        server.sql("ALTER TABLE maasserver_config OWNER TO former", "maasdb")
    with database_step.connect(database) as connection:
        with pytest.raises(DatabaseRefused) as caught:
            server_step.check_owner(connection, database)
        assert f"maasserver_config, belong to {owner}." in str(caught.value)
        if owner == "former":
            advice = str(caught.value).rpartition("in that database: ")[2]
            server.sql(advice, "maasdb")
            server_step.check_owner(connection, database)
        else:
            assert "pg_restore --no-owner --role=maas" in str(caught.value)


def test_tables_that_would_not_be_in_public(server: Server, database: Settings) -> None:
    server.sql("CREATE SCHEMA maas AUTHORIZATION maas", "maasdb")
    with pytest.raises(ConfigurationUnusable) as caught:
        check(database)
    server.sql(str(caught.value).rpartition("In that database: ")[2])
    check(database)


def test_a_database_that_is_not_utf8(server: Server, database: Settings) -> None:
    server.sql("DROP DATABASE maasdb")
    server.sql(
        "CREATE DATABASE maasdb OWNER maas ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    )
    _, warnings = check(database)
    assert "SQL_ASCII, not UTF8" in warnings[0]


def test_a_server_that_insists_on_tls(server: Server, database: Settings) -> None:
    server.enable_tls()
    check(database)  # offered, not required
    with (
        server.access_rules("hostnossl all maas 127.0.0.1/32 reject"),
        pytest.raises(DatabaseRefused, match="without TLS, which MAAS's Temporal does not use"),
    ):
        check(database)
