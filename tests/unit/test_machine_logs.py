import bz2
import os
import time
from pathlib import Path

import pytest

from housekeeping import machine_logs

DAY = 24 * 60 * 60


def write(path: Path, days_old: float, text: str = "a line\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - days_old * DAY,) * 2)
    return path


def test_what_two_days_did_not_touch_is_compressed(tmp_path: Path) -> None:
    old = write(tmp_path / "node-1/2026-11-01/messages", 2.1)
    young = write(tmp_path / "node-1/2026-11-03/messages", 1.9)
    modified = old.stat().st_mtime
    assert machine_logs.compress(tmp_path) == 1
    compressed = old.with_name("messages.bz2")
    assert bz2.decompress(compressed.read_bytes()) == b"a line\n"
    assert compressed.stat().st_mtime == modified
    assert not old.exists()
    assert young.exists()
    assert machine_logs.compress(tmp_path) == 0


def test_a_killed_compression_is_done_again(tmp_path: Path) -> None:
    old = write(tmp_path / "node-1/2026-11-01/messages", 3)
    write(old.with_name("messages.bz2.tmp"), 0, "half of it")
    assert machine_logs.compress(tmp_path) == 1
    assert os.listdir(old.parent) == ["messages.bz2"]


def test_what_is_too_old_goes_with_its_directories(tmp_path: Path) -> None:
    old = write(tmp_path / "node-1/2026-10-01/messages.bz2", 31)
    kept = write(tmp_path / "node-2/2026-11-01/messages.bz2", 29)
    assert machine_logs.remove_old(tmp_path, 30) == 1
    assert not old.exists()
    assert kept.exists()
    for directory in (old.parent, old.parents[1]):
        assert directory.exists()  # young: rsyslog may be about to write into it
        os.utime(directory, (0, 0))
        machine_logs.remove_old(tmp_path, 30)
        assert not directory.exists()
    assert tmp_path.exists()


def test_the_oldest_go_when_all_take_too_much(tmp_path: Path) -> None:
    megabyte = "x" * 2**20
    oldest = write(tmp_path / "node-1/a/messages.bz2", 9, megabyte)
    older = write(tmp_path / "node-1/b/messages", 3, megabyte)
    young = write(tmp_path / "node-1/c/messages", 0, megabyte)
    assert machine_logs.remove_excess(tmp_path, 3) == 0
    assert machine_logs.remove_excess(tmp_path, 2) == 1
    assert not oldest.exists()
    assert older.exists()
    assert young.stat().st_size == 2**20


def test_a_machine_that_logs_without_end_costs_the_others_nothing(tmp_path: Path) -> None:
    quiet = [write(tmp_path / f"node-{n}/a/messages", n, "x" * 2**19) for n in range(5)]
    loud = write(tmp_path / "node-9/a/messages", 0, "x" * 21 * 2**20)
    assert machine_logs.remove_excess(tmp_path, 10) == 1
    assert loud.stat().st_size == 0
    assert all(path.stat().st_size == 2**19 for path in quiet)


def test_a_compression_without_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(tmp_path / "node-1/2026-11-01/messages", 3)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    assert machine_logs.compress(tmp_path) == 0
    assert os.listdir(old.parent) == ["messages"]


def test_what_rsyslog_has_open_is_emptied(tmp_path: Path) -> None:
    young = write(tmp_path / "node-1/a/messages", 0, "x" * 2**21)
    assert machine_logs.remove_excess(tmp_path, 1) == 1
    assert young.stat().st_size == 0
    assert machine_logs.remove_excess(tmp_path, 1) == 0


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside/messages", 99)
    directory = tmp_path / "rsyslog"
    directory.mkdir()
    (directory / "node-1").symlink_to(outside.parent)
    (directory / "messages").symlink_to(outside)
    assert machine_logs.compress(directory) == 0
    assert machine_logs.remove_old(directory, 1) == 0
    assert outside.exists()


def test_there_may_be_no_logs_at_all(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert machine_logs.compress(missing) == 0
    assert machine_logs.remove_old(missing, 1) == 0
    assert machine_logs.remove_excess(missing, 1) == 0
