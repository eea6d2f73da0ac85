import subprocess
from collections.abc import Mapping
from pathlib import Path

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
    assert not [line for line in squid if line.startswith("access_log")]  # no directory for it
    chrony = (paths.run / "chrony.conf").read_text()
    assert f"include {paths.data}/etc/chrony/chrony.conf" in chrony


def test_squid_logs_where_it_can(paths: Paths) -> None:
    (paths.log / "proxy").mkdir(parents=True)
    service_files.write(paths, SETTINGS)
    squid = (paths.run / "squid.conf").read_text()
    assert (
        f"\naccess_log stdio:{paths.log}/proxy/access.log logformat=squid on-error=drop\n" in squid
    )


def test_rsyslogs_file_is_made_one_for_an_unprivileged_user_and_no_journal(paths: Paths) -> None:
    service_files.write(paths, SETTINGS)
    filtered = subprocess.run(
        ["sed", "-f", paths.run / "rsyslog.sed"],
        input="""
$FileOwner maas
 $FileGroup maas
$FileCreateMode 0640
$PrivDropToUser maas
$PrivDropToGroup maas
$WorkDirectory /var/lib/maas/syslog/rsyslog
module(load="omjournal")
if $syslogtag contains "maas" then {
  action(type="omjournal" template="MAASjournal")
} else {
  action( type="omjournal"  template="MAASremote" )
}
*.* action(type="omfwd" target="192.0.2.1")
""",
        capture_output=True,
        text=True,
        check=True,
    )
    assert filtered.stdout.split("\n") == [
        "",
        "$FileCreateMode 0640",
        "$WorkDirectory /var/lib/maas/syslog/rsyslog",
        'if $syslogtag contains "maas" then {',
        "  call MAASjournal",
        "} else {",
        "  call MAASremote",
        "}",
        '*.* action(type="omfwd" target="192.0.2.1")',
        "",
    ]
    rsyslog = (paths.run / "rsyslog.conf").read_text()
    for name in ("MAASjournal", "MAASnginxaccess", "MAASremote"):
        assert f'ruleset(name="{name}")' in rsyslog


def test_what_an_earlier_life_left_is_removed(paths: Paths) -> None:
    (paths.data / "run/lock/maas:networks-monitoring").symlink_to("42")
    for name in ("squid.pid", "supervisord.pid"):
        (paths.run / name).write_text("42")
    (paths.metrics / "counter_42.db").touch()
    paths.temporal.mkdir()
    for name in ("production.yaml", "production-dynamic.yaml"):
        (paths.temporal / name).write_text("broadcastAddress: 192.0.2.1")
    service_files.remove_stale_files(paths)
    assert not (paths.data / "run/lock").exists()
    assert not list(paths.temporal.iterdir())
    assert [p.name for p in paths.run.glob("*.pid")] == ["supervisord.pid"]
    assert not list(paths.metrics.iterdir())


def test_drivers_are_put_where_a_volume_hides_them_and_an_operators_are_kept(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packaged = tmp_path / "packaged.yaml"
    packaged.write_text("drivers: []\n")
    monkeypatch.setattr(service_files, "PACKAGED_DRIVERS", packaged)
    doubt = service_files.provide_drivers(paths)  # there is no such directory
    assert doubt is not None
    assert "docker compose cp" in doubt
    paths.drivers.parent.mkdir()
    assert service_files.provide_drivers(paths) is None
    assert paths.drivers.read_text() == "drivers: []\n"
    paths.drivers.write_text("drivers: [mine]\n")
    assert service_files.provide_drivers(paths) is None
    assert paths.drivers.read_text() == "drivers: [mine]\n"
