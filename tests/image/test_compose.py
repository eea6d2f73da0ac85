"""compose.yaml as Compose understands it; no container is started."""

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine import ROOT

# What everybody may reach; the rest has no login and stays on loopback unless somebody says so.
PUBLIC = {("maas", 5240)}
NAMES = ("maas", "postgres", "prometheus", "grafana")


@functools.cache
def services(*profiles: str) -> dict[str, Any]:
    """Return the services that run with some profiles and the defaults of all variables."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["docker", "compose", "--file", str(ROOT / "compose.yaml"), "--env-file", "/dev/null"]
    for profile in profiles:
        command += ["--profile", profile]
    shown = subprocess.run(
        [*command, "config", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return dict(json.loads(shown.stdout)["services"])


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
