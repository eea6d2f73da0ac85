import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from housekeeping import rotation


def test_a_big_log_is_copied_and_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "MOST_BYTES", 10)
    log = tmp_path / "maas.log"
    with log.open("a") as writer:
        for text in ("first", "second", "third", "fourth", "fifth"):
            writer.write(f"{text} beyond ten bytes")
            writer.flush()
            assert rotation.rotate(tmp_path) == 1
            assert log.stat().st_size == 0
    kept = [tmp_path / f"maas.log.{number}" for number in (1, 2, 3)]
    assert [path.read_text().split()[0] for path in kept] == ["fifth", "fourth", "third"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "maas.log",
        "maas.log.1",
        "maas.log.2",
        "maas.log.3",
    ]


def test_small_logs_other_files_and_missing_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "maas.log").write_text("small")
    (tmp_path / "maas.log.1").write_bytes(bytes(rotation.MOST_BYTES + 1))
    assert rotation.rotate(tmp_path, tmp_path / "missing") == 0


def test_a_copy_that_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "MOST_BYTES", 10)
    (tmp_path / "maas.log").write_text("more than ten bytes")
    (tmp_path / "maas.log.1").write_text("older")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    assert rotation.rotate(tmp_path) == 0
    assert (tmp_path / "maas.log").read_text() == "more than ten bytes"
    assert (tmp_path / "maas.log.1").read_text() == "older"
    assert sorted(os.listdir(tmp_path)) == ["maas.log", "maas.log.1"]


@pytest.mark.parametrize(
    ("copies_that_fit", "left"),
    [(2, {"maas.log": "", "maas.log.1": "newest", "maas.log.2": "2"}), (0, {"maas.log": ""})],
)
def test_on_a_full_disk_older_copies_make_room(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copies_that_fit: int,
    left: dict[str, str],
) -> None:
    monkeypatch.setattr(rotation, "MOST_BYTES", 1)
    (tmp_path / "maas.log").write_text("newest")
    for number in ("1", "2", "3"):
        (tmp_path / f"maas.log.{number}").write_text(number)
    copy = shutil.copyfileobj

    def copy_if_it_fits(source: BinaryIO, target: BinaryIO) -> None:
        if len(list(tmp_path.glob("maas.log.[123]"))) + 1 > copies_that_fit:
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target)

    monkeypatch.setattr("shutil.copyfileobj", copy_if_it_fits)
    assert rotation.rotate(tmp_path) == 1
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == left | ({"maas.log.2": "1"} if copies_that_fit else {})
