import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from maas_init.errors import VolumeUnusable
from maas_init.paths import Paths
from maas_init.steps import volumes


@pytest.fixture
def paths(environment: Mapping[str, str], tmp_path: Path) -> Paths:
    return dataclasses.replace(
        Paths.from_environment(environment),
        volatile=tmp_path / "run",
        proxy_cache=tmp_path / "proxy-cache",
    )


def test_every_directory_that_maas_needs_is_made(paths: Paths) -> None:
    volumes.prepare(paths)
    below = ("certificates", "image-storage", "bind/zones", "bind/cache", "proxy", "http")
    for name in (*below, "syslog/rsyslog", "temporal", "etc/chrony", "cache", "backups"):
        assert (paths.data / name).is_dir(), name
    assert (paths.run / "prometheus").is_dir()
    assert (paths.volatile / "lock").is_dir()
    volumes.prepare(paths)  # and found


def test_a_file_of_somebody_else_is_named_with_the_command(paths: Paths) -> None:
    volumes.prepare(paths)
    foreign = paths.data / "http" / "regiond.nginx.conf"
    foreign.write_text("old")
    os.chown(foreign, 12345, 12345)
    with pytest.raises(VolumeUnusable) as caught:
        volumes.prepare(paths)
    assert "chown -R" in str(caught.value)
    assert f"{foreign} belongs to UID 12345" in caught.value.details[0]


def test_nothing_is_left_behind_and_a_file_system_s_own_is_none_of_ours(paths: Paths) -> None:
    volumes.prepare(paths)
    (paths.data / "lost+found").mkdir()
    foreign = paths.data / "lost+found/file"
    foreign.touch()
    os.chown(foreign, 12345, 12345)
    volumes.prepare(paths)
    assert [p for p in paths.data.rglob("*") if p.is_file()] == [foreign]


def test_a_full_volume_is_refused_and_a_nearly_full_one_warned_of(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "_free", lambda _path: 200 * volumes.MB)
    assert "has only 200 MB free" in volumes.prepare(paths)[-1]
    monkeypatch.setattr(volumes, "_free", lambda _path: 3 * volumes.MB)
    with pytest.raises(VolumeUnusable, match=r"has 3\.0 MB free, and 16 MB are the least"):
        volumes.prepare(paths)


def test_backups_may_be_anybody_s(paths: Paths) -> None:
    volumes.prepare(paths)
    (paths.backups / "copied-in.dump").touch()
    os.chown(paths.backups / "copied-in.dump", 0 if os.geteuid() else 12345, 12345)
    volumes.prepare(paths)


def test_what_is_in_the_way_is_named(paths: Paths) -> None:
    paths.data.mkdir(parents=True)
    (paths.data / "certificates").write_text("in the way")
    with pytest.raises(VolumeUnusable, match="certificates cannot be written"):
        volumes.prepare(paths)
