import errno
import os
from pathlib import Path

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


@pytest.mark.parametrize(
    ("error", "left"),
    [(errno.EIO, "more than ten bytes"), (errno.ENOSPC, "")],
)
def test_a_copy_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, left: str
) -> None:
    """On a full disk, nothing but emptying the log makes room."""
    monkeypatch.setattr(rotation, "MOST_BYTES", 10)
    (tmp_path / "maas.log").write_text("more than ten bytes")
    (tmp_path / "maas.log.1").write_text("older")

    def fail(*_: object) -> None:
        raise OSError(error, "copying failed")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    rotation.rotate(tmp_path)
    assert (tmp_path / "maas.log").read_text() == left
    assert (tmp_path / "maas.log.1").read_text() == "older"
    assert sorted(os.listdir(tmp_path)) == ["maas.log", "maas.log.1"]
