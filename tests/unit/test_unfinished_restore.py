import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from maas_init import unfinished_restore
from maas_init.paths import Paths

CONNECTION: Any = None


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "backups").mkdir()
    fields = {field.name: tmp_path for field in dataclasses.fields(Paths)}
    return Paths(**fields | {"backups": tmp_path / "backups"})


class Database:
    """A database, as far as it can be told from another one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.identity = "1"
        monkeypatch.setattr(unfinished_restore, "identify", lambda _: self.identity)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    return Database(monkeypatch)


def test_it_is_unfinished_from_the_moment_that_the_database_is_another(
    paths: Paths, database: Database
) -> None:
    assert unfinished_restore.find(paths, CONNECTION) is None
    unfinished_restore.begin(paths, Path("/a.tar"), CONNECTION)
    assert unfinished_restore.find(paths, CONNECTION) is None
    database.identity = "2"
    assert unfinished_restore.find(paths, CONNECTION) == Path("/a.tar")
    unfinished_restore.end(paths)
    assert unfinished_restore.find(paths, CONNECTION) is None
    assert list(paths.backups.iterdir()) == []


def test_a_second_one_that_fails_does_not_make_it_finished(
    paths: Paths, database: Database
) -> None:
    unfinished_restore.begin(paths, Path("/a.tar"), CONNECTION)
    database.identity = "2"
    unfinished_restore.begin(paths, Path("/b.tar"), CONNECTION)  # and its transaction fails
    assert unfinished_restore.find(paths, CONNECTION) == Path("/b.tar")


def test_one_that_changed_nothing_is_forgotten_by_the_next(
    paths: Paths, database: Database
) -> None:
    unfinished_restore.begin(paths, Path("/a.tar"), CONNECTION)
    unfinished_restore.begin(paths, Path("/b.tar"), CONNECTION)
    assert unfinished_restore.find(paths, CONNECTION) is None
    database.identity = "2"
    assert unfinished_restore.find(paths, CONNECTION) == Path("/b.tar")


def test_a_name_of_any_bytes(paths: Paths, database: Database) -> None:
    unfinished_restore.begin(paths, Path(os.fsdecode(b"/a\xff\nb.tar")), CONNECTION)
    database.identity = "2"
    assert unfinished_restore.find(paths, CONNECTION) == Path("/a\\xff\nb.tar")


def test_the_command_mounts_what_is_not_on_the_volume(paths: Paths) -> None:
    command = unfinished_restore.command(paths, Path("/backups/a.tar"))
    assert "--volume /path/on/host/a.tar:/backups/a.tar:ro maas" in command
    assert command.endswith("maas-init restore /backups/a.tar")
    assert "--volume" not in unfinished_restore.command(paths, paths.backups / "a.tar")
