from collections.abc import Mapping

import pytest

import settings
from maas_init.paths import Paths
from maas_init.steps import service_files

SETTINGS = settings.load(
    {"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": "p-1", "MAAS_PROXY_CACHE_MB": "512"}
)


@pytest.fixture
def paths(environment: Mapping[str, str]) -> Paths:
    paths = Paths.from_environment(environment)
    for directory in (paths.run, paths.metrics, paths.data / "run/lock"):
        directory.mkdir(parents=True)
    return paths


def test_main_files_include_what_regiond_writes(paths: Paths) -> None:
    service_files.write(paths, SETTINGS)
    nginx = (paths.run / "nginx.conf").read_text()
    assert f"include {paths.http}/*.nginx.conf;" in nginx
    assert "user " not in nginx
    named = (paths.run / "named.conf").read_text()
    assert f'include "{paths.dns}/named.conf.maas";' in named
    squid = (paths.run / "squid.conf").read_text().splitlines()
    include = squid.index(f"include {paths.proxy}/maas-proxy.conf")
    assert squid.index("cache_dir aufs /var/spool/maas-proxy 512 16 256") > include
    assert squid.index("shutdown_lifetime 1 second") > include


def test_what_an_earlier_life_left_is_removed(paths: Paths) -> None:
    (paths.data / "run/lock/maas:networks-monitoring").symlink_to("42")
    for name in ("squid.pid", "supervisord.pid"):
        (paths.run / name).write_text("42")
    (paths.metrics / "counter_42.db").touch()
    service_files.remove_stale_files(paths)
    assert not (paths.data / "run/lock").exists()
    assert [p.name for p in paths.run.glob("*.pid")] == ["supervisord.pid"]
    assert not list(paths.metrics.iterdir())
