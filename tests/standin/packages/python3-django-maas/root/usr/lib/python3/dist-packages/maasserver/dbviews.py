"""Views and triggers outside the migrations (maas-region-run.md 4).

dbupgrade drops them first, each in its own transaction, migrates, and makes them again: killed in
between, the migrations are complete while 3 views and 242 triggers are missing.
"""

from __future__ import annotations

from django.db import connection, transaction

TRIGGERS = 242
PREFIX = "standin_trigger_"

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

CREATE = """
DO $do$
BEGIN
    CREATE TRIGGER {prefix}1 AFTER INSERT OR UPDATE ON maasserver_config
        FOR EACH ROW EXECUTE FUNCTION standin_config_changed();
    FOR number IN 2..{count} LOOP
        EXECUTE format('CREATE TRIGGER {prefix}%s AFTER UPDATE ON %s FOR EACH ROW WHEN (false)
                        EXECUTE FUNCTION standin_config_changed()', number,
                       (ARRAY['maasserver_node', 'maasserver_interface', 'maasserver_service',
                              'maasserver_config'])[1 + number % 4]);
    END LOOP;
END $do$
"""


def drop() -> None:
    """Each drop commits on its own; what is missing is passed over."""
    with connection.cursor() as cursor:
        for view in VIEWS:
            cursor.execute(f"DROP VIEW IF EXISTS {view}")
        cursor.execute(
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE starts_with(t.tgname::text, %s) ORDER BY 1",
            [PREFIX],
        )
        for trigger, table in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")


def create() -> None:
    """Everything again, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(NOTIFY)
        cursor.execute(CREATE.format(prefix=PREFIX, count=TRIGGERS))
        for view, query in VIEWS.items():
            cursor.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
