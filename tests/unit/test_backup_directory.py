from pathlib import Path

from maas_init import backup_directory


def backups(directory: Path, *names: str) -> list[Path]:
    paths = [directory / f"maas-backup-{name}.tar" for name in names]
    for path in paths:
        path.touch()
    return paths


def test_so_many_of_each_kind_are_kept(tmp_path: Path) -> None:
    *_, newest = backups(tmp_path, *(f"2026010{day}T000000Z" for day in range(1, 6)))
    backups(tmp_path, "20260101T000000Z-without-images", "20260101T000000Z-incomplete")
    (tmp_path / "maas-backup-mine.tar").touch()
    backup_directory.remove_old(newest, 3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "maas-backup-20260101T000000Z-incomplete.tar",
        "maas-backup-20260101T000000Z-without-images.tar",
        "maas-backup-20260103T000000Z.tar",
        "maas-backup-20260104T000000Z.tar",
        "maas-backup-20260105T000000Z.tar",
        "maas-backup-mine.tar",
    ]


def test_fewer_than_are_kept_stay(tmp_path: Path) -> None:
    three = backups(tmp_path, *(f"2026010{day}T000000Z" for day in range(1, 4)))
    for kept in (3, 4, 5, 100):
        backup_directory.remove_old(three[-1], kept)
        assert backup_directory.all_in(tmp_path) == three


def test_a_clock_that_was_wrong_does_not_cost_the_newest(tmp_path: Path) -> None:
    backups(tmp_path, *(f"2099010{day}T000000Z" for day in range(1, 4)))
    (newest,) = backups(tmp_path, "20260101T000000Z")
    backup_directory.remove_old(newest, 3)
    assert len(backup_directory.all_in(tmp_path)) == 3
    assert newest.exists()


def test_what_is_in_use_is_spared(tmp_path: Path) -> None:
    used, newest = backups(
        tmp_path, "20260101T000000Z-before-restore", "20260102T000000Z-before-restore"
    )
    (tmp_path / "link").symlink_to(used)
    backup_directory.remove_old(newest, 1, spare=tmp_path / "link")
    assert backup_directory.all_in(tmp_path) == [used, newest]


def test_two_backups_of_one_second_have_two_names(tmp_path: Path) -> None:
    first = backup_directory.new_name(tmp_path, "")
    first.touch()
    assert backup_directory.new_name(tmp_path, "") != first
    assert backup_directory.new_name(tmp_path, "").name.startswith("maas-backup-20")
