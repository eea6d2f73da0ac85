import errno
import os
from pathlib import Path

import pytest
import yaml

from maas_init import region_files


def test_a_file_comes_to_its_place_on_another_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "stage/x", tmp_path / "place/deep/x"
    source.parent.mkdir()
    source.write_text("new")
    target.parent.mkdir(parents=True)
    target.write_text("old")
    rename = os.replace

    def other_mount(a: Path, b: Path) -> None:
        if a.parent != b.parent:  # so it is between two mounts, of one file system, too
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(a, b)

    monkeypatch.setattr(os, "replace", other_mount)
    region_files.put_in_place(source, target)
    assert target.read_text() == "new"
    assert os.listdir(target.parent) == ["x"]


def test_the_configuration_without_credentials(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text(
        "database_host: db\ndatabase_port: 5432\ndatabase_name: maasdb\ndatabase_user: maas\n"
        "database_pass: the-password\ndebug: true\nmaas_url: http://x/MAAS\n"
    )
    content = region_files.configuration_without_credentials(path)
    assert yaml.safe_load(content) == {"debug": True, "maas_url": "http://x/MAAS"}
