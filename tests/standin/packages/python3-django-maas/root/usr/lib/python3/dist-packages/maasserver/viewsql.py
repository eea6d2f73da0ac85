"""Views and triggers as SQL, for dbupgrade and for Alembic's revisions (maas-region-run.md 4)."""

from __future__ import annotations

PREFIX = "standin_trigger_"
TABLES = ("maasserver_node", "maasserver_interface", "maasserver_service", "maasserver_config")

VIEWS = {
    "maasserver_discovery": "SELECT id, system_id FROM maasserver_node WHERE false",
    "maasserver_routable_pairs": "SELECT a.node_id AS left_node_id, b.node_id AS right_node_id "
    "FROM maasserver_interface a JOIN maasserver_interface b USING (cidr)",
    "maasserver_podhost": "SELECT id, hostname FROM maasserver_node WHERE false",
}

NOTIFY = """
CREATE OR REPLACE FUNCTION standin_config_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IN ('maas_proxy_port', 'use_peer_proxy', 'http_proxy', 'prefer_v4_proxy') THEN
        PERFORM pg_notify('sys_proxy', NEW.name);
    ELSIF NEW.name IN ('upstream_dns', 'dnssec_validation', 'dns_trusted_acl') THEN
        PERFORM pg_notify('sys_dns', NEW.name);
    END IF;
    RETURN NULL;
END $$
"""
"""Which settings regiond hears of at once (maas-operate.md 1.4)."""


def create_triggers(first: int, last: int) -> str:
    """The first one of all has an effect; the others are there to be counted."""
    return "".join(_trigger(number) for number in range(first, last + 1))


def replace_triggers(first: int, last: int) -> str:
    """The same where some of them may be there."""
    return "".join(
        f"DROP TRIGGER IF EXISTS {PREFIX}{number} ON {_table(number)};\n{_trigger(number)}"
        for number in range(first, last + 1)
    )


def create_view(name: str, query: str) -> str:
    return f"CREATE OR REPLACE VIEW {name} AS {query}"


def _table(number: int) -> str:
    return "maasserver_config" if number == 1 else TABLES[number % 4]


def _trigger(number: int) -> str:
    events, when = ("INSERT OR UPDATE", "") if number == 1 else ("UPDATE", " WHEN (false)")
    return (
        f"CREATE TRIGGER {PREFIX}{number} AFTER {events} ON {_table(number)} FOR EACH ROW{when}"
        " EXECUTE FUNCTION standin_config_changed();\n"
    )
