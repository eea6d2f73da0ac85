import os
import socket
import time
from pathlib import Path

import pytest

from housekeeping import litter


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a day and an hour pass: when a file changed last cannot be set back."""
    later = time.time() + 25 * 60 * 60
    monkeypatch.setattr(time, "time", lambda: later)


def make(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def new(path: Path) -> None:
    """Make a file that changed just now, by the clock of the test."""
    path.touch()
    os.utime(path, (time.time(), time.time()))


def test_only_old_litter_goes(tmp_path: Path, tomorrow: None) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    unused = [
        data / ".maas_uuid.abc.tmp",
        data / "certificates/.cluster.pem.abc.tmp",
        data / "certificates/.maas-init.abc",
        data / ".healthcheck.abc",
        temporary / "tmpabc",
    ]
    kept = [data / "maas_id", data / "images/part.tmp", data / "certificates/cluster.pem"]
    make(*unused, *kept, data / "maas-commission-x/script")
    (temporary / "link").symlink_to(data)
    new(temporary / "tmpyoung")
    assert litter.remove(data, temporary) == len(unused) + 2
    assert not any(path.exists() for path in unused)
    assert not (data / "maas-commission-x").exists()
    assert all(path.exists() for path in kept)
    assert os.listdir(temporary) == ["tmpyoung"]


def test_an_old_directory_in_use_stays(tmp_path: Path, tomorrow: None) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    make(temporary / "import/old")
    new(temporary / "import/download")
    assert litter.remove(data, temporary) == 0


def test_a_copy_of_something_old_stays(tmp_path: Path) -> None:
    make(tmp_path / "tmp/copy")
    os.utime(tmp_path / "tmp/copy", (0, 0))
    assert litter.remove(tmp_path / "data", tmp_path / "tmp") == 0


def test_a_socket_stays(tmp_path: Path, tomorrow: None) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(temporary / "socket"))
        assert litter.remove(tmp_path / "data", temporary) == 0


def test_what_cannot_be_removed_stops_nothing(
    tmp_path: Path, tomorrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    make(temporary / "a", temporary / "b")
    original = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a":
            raise PermissionError(1, "Operation not permitted", str(path))
        original(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert litter.remove(data, temporary) == 1
