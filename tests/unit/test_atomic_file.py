import os
from pathlib import Path

import pytest

from maas_init import atomic_file


def test_only_a_change_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert atomic_file.write(path, "a", 0o640)
    before = path.stat()
    assert not atomic_file.write(path, "a", 0o640)
    assert path.stat().st_ino == before.st_ino
    assert atomic_file.write(path, "a", 0o600)
    assert path.stat().st_mode & 0o7777 == 0o600
    assert atomic_file.write(path, "b", 0o600)
    assert path.read_text() == "b"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("text", ["same", "other"])
def test_what_a_killed_one_left_is_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text("same")
    (tmp_path / ".file.new").write_text("half of something long")
    atomic_file.write(path, text)
    assert path.read_text() == text
    assert os.listdir(tmp_path) == ["file"]


def test_the_old_one_stays_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        atomic_file.write(path, "\udcff")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
