"""compose.yaml as Compose understands it; no container is started."""

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine import PROJECT, ROOT, Refused, compose_config

# What everybody may reach; the rest has no login and stays on loopback unless somebody says so.
PUBLIC = {("maas", 5240)}
NAMES = ("maas", "postgres", "prometheus", "grafana")


def shown(*profiles: str, overlay: str = "", **variables: str) -> dict[str, Any]:
    """Return what Compose makes of compose.yaml with some profiles, and with another file."""
    files = ["compose.yaml", overlay] if overlay else ["compose.yaml"]
    options = [f"--file={ROOT / file}" for file in files]
    options += [f"--profile={profile}" for profile in profiles]
    return compose_config(*options, **variables)


@functools.cache
def services(*profiles: str) -> dict[str, Any]:
    return dict(shown(*profiles)["services"])


def service(name: str) -> dict[str, Any]:
    return dict(services("grafana")[name])


@pytest.mark.parametrize(
    ("profiles", "more"),
    [
        ((), set()),
        (("monitoring",), {"prometheus"}),
        (("grafana",), {"prometheus", "grafana"}),
    ],
)
def test_what_each_profile_starts(profiles: tuple[str, ...], more: set[str]) -> None:
    assert set(services(*profiles)) == {"maas", "postgres"} | more


@pytest.mark.parametrize("name", NAMES)
def test_each_service_is_unprivileged_and_bounded(name: str) -> None:
    its = service(name)
    assert its["cap_drop"] == ["ALL"]
    assert its["security_opt"] == ["no-new-privileges:true"]
    assert its["read_only"] is True
    assert not its.get("privileged")
    assert its["pids_limit"] > 0
    assert its["restart"] == "unless-stopped"
    assert its["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert its["healthcheck"]["test"]
    # the image of MAAS says by itself that it is nobody's root (test_image.py)
    assert name == "maas" or int(its["user"].split(":")[0]) > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_login_is_on_loopback(name: str) -> None:
    for port in service(name).get("ports", []):
        if (name, port["target"]) not in PUBLIC:
            assert port["host_ip"] == "127.0.0.1", port


@pytest.mark.parametrize("name", NAMES)
def test_each_mounted_file_exists_and_is_read_only(name: str) -> None:
    for volume in service(name).get("volumes", []):
        if volume["type"] == "bind":
            source = Path(volume["source"])
            assert source.is_file()
            assert source.is_relative_to(ROOT / "monitoring")
            assert volume["read_only"]


def test_grafana_finds_what_is_mounted() -> None:
    mounted = {Path(v["target"]): Path(v["source"]) for v in service("grafana")["volumes"]}
    environment = service("grafana")["environment"]
    dashboards = Path("/etc/grafana/provisioning/dashboards")
    (provider,) = yaml.safe_load(mounted[dashboards / "maas.yml"].read_text())["providers"]
    assert provider["options"]["path"] == str(dashboards)
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.parent == dashboards
    assert json.loads(mounted[home].read_text())["uid"] == "maas"
    sources = mounted[Path("/etc/grafana/provisioning/datasources/maas.yml")]
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in service("grafana")["depends_on"]


def test_prometheus_finds_its_rules() -> None:
    mounted = {Path(v["target"]): v["source"] for v in service("prometheus")["volumes"]}
    configuration = Path("/etc/prometheus/prometheus.yml")
    rules = yaml.safe_load(Path(mounted[configuration]).read_text())["rule_files"]
    assert rules
    assert all(configuration.parent / name in mounted for name in rules)


def test_nobody_can_log_in_to_grafana_and_it_tells_nobody() -> None:
    environment = service("grafana")["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    on = {name for name, value in environment.items() if value == "true"}
    off = {name for name, value in environment.items() if value == "false"}
    assert on == {
        "GF_AUTH_ANONYMOUS_ENABLED",
        "GF_AUTH_DISABLE_LOGIN_FORM",
        "GF_PLUGINS_PREINSTALL_DISABLED",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED",
        "GF_SECURITY_DISABLE_GRAVATAR",
        "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION",
    }
    assert off >= {
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_AUTH_BASIC_ENABLED",
        "GF_NEWS_NEWS_FEED_ENABLED",
        "GF_PLUGINS_PLUGIN_ADMIN_ENABLED",
    }
    assert not [name for name in environment if "PASSWORD" in name]


LAN = {
    "MAAS_LAN_ADDRESS": "192.0.2.53",
    "MAAS_LAN_PARENT": "eth0",
    "MAAS_LAN_SUBNET": "192.0.2.0/24",
    "MAAS_LAN_GATEWAY": "192.0.2.1",
}
MACVLAN = "compose.macvlan.yaml"
HOST_NETWORK = "compose.host-network.yaml"


def test_macvlan_is_an_address_more() -> None:
    document = shown(overlay=MACVLAN, **LAN)
    assert document["networks"]["lan"]["driver"] == "macvlan"
    assert document["networks"]["lan"]["driver_opts"] == {"parent": "eth0"}
    maas = document["services"]["maas"]
    assert maas["networks"]["lan"]["ipv4_address"] == "192.0.2.53"
    changed = {key for key in maas if maas[key] != service("maas").get(key)}
    assert changed == {"networks"}
    assert document["services"]["postgres"] == service("postgres")


@pytest.mark.parametrize("name", LAN)
def test_macvlan_says_which_number_is_missing(name: str) -> None:
    with pytest.raises(Refused, match=f"set {name}, "):
        shown(overlay=MACVLAN, **{other: LAN[other] for other in LAN if other != name})


def test_with_macvlan_the_default_route_is_the_lans(tmp_path: Path, image: str) -> None:
    # a bridge in its place, for not every kernel has macvlan
    bridge = tmp_path / "bridge.yaml"
    bridge.write_text("networks: {lan: {driver: bridge, driver_opts: !reset {}}}\n")
    files = [ROOT / "compose.yaml", ROOT / MACVLAN, bridge]
    command = ["docker", "compose", "--env-file=/dev/null", f"--project-name={PROJECT}-lan"]
    command += [f"--file={file}" for file in files]
    environment = os.environ | LAN | {"MAAS_IMAGE": image}
    route = ("run", "--rm", "--no-deps", "maas", "ip", "-4", "route", "show", "default")
    found = subprocess.run([*command, *route], env=environment, capture_output=True, text=True)
    subprocess.run([*command, "down", "--volumes"], env=environment, check=True)
    assert found.stdout.startswith("default via 192.0.2.1 "), found


def test_on_the_hosts_network_only_maas_is_open_to_others() -> None:
    found = shown("grafana", overlay=HOST_NETWORK)["services"]
    assert found["maas"]["network_mode"] == "host"
    assert not found["maas"].get("ports")
    assert found["maas"]["environment"]["MAAS_HEALTH_LISTEN"] == "127.0.0.1:9568"
    assert found["maas"]["environment"]["POSTGRES_HOST"] == "127.0.0.1"
    (port,) = found["postgres"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "5432", 5432)
    assert "--web.listen-address=127.0.0.1:9090" in found["prometheus"]["command"]
    assert set(service("prometheus")["command"]) < set(found["prometheus"]["command"])
    assert found["prometheus"]["extra_hosts"] == ["maas=127.0.0.1"]
    assert found["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    for name in NAMES:
        for key in ("cap_drop", "security_opt", "read_only", "user", "volumes", "tmpfs"):
            assert found[name].get(key) == service(name).get(key)


def test_on_the_hosts_network_another_database_stays_the_one_that_is_named() -> None:
    found = shown(overlay=HOST_NETWORK, POSTGRES_HOST="db.example.com")["services"]["maas"]
    assert found["environment"]["POSTGRES_HOST"] == "db.example.com"
