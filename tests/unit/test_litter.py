import os
from pathlib import Path

import pytest

from housekeeping import litter


def age(path: Path) -> Path:
    os.utime(path, (0, 0), follow_symlinks=False)
    return path


def test_only_old_litter_goes(tmp_path: Path) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    for directory in (
        data / "certificates",
        data / "maas-commission-x",
        data / "images",
        temporary,
    ):
        directory.mkdir(parents=True)
    litter_ = [
        data / ".maas_uuid.abc.tmp",
        data / "certificates/.cluster.pem.abc.tmp",
        data / "certificates/.maas-init.abc",
        data / ".healthcheck.abc",
        temporary / "tmpabc",
    ]
    kept = [data / "maas_id", data / "images/part.tmp", data / "certificates/cluster.pem"]
    for path in (*litter_, *kept):
        path.touch()
        age(path)
    age(data / "maas-commission-x")
    (temporary / "link").symlink_to(data)
    age(temporary / "link")
    (temporary / "tmpyoung").touch()
    assert litter.remove(data, temporary) == len(litter_) + 2
    assert not any(path.exists() for path in litter_)
    assert not (data / "maas-commission-x").exists()
    assert all(path.exists() for path in kept)
    assert os.listdir(temporary) == ["tmpyoung"]


def test_an_old_directory_in_use_stays(tmp_path: Path) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    used = temporary / "import/download"
    used.parent.mkdir(parents=True)
    used.touch()
    age(used.parent)
    assert litter.remove(data, temporary) == 0
    age(used)
    assert litter.remove(data, temporary) == 1


def test_what_cannot_be_removed_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    temporary.mkdir()
    for name in ("a", "b"):
        (temporary / name).touch()
        age(temporary / name)
    original = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a":
            raise PermissionError(1, "Operation not permitted", str(path))
        original(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert litter.remove(data, temporary) == 1
