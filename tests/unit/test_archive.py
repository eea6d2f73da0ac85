import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import FILES, ignore, make, manifest

from maas_init import archive
from maas_init.archive import ArchiveUnusable, Reader, Writer


def craft(path: Path, change: Callable[[tarfile.TarFile], None], files: list[str]) -> Path:
    """Make an archive whose seal is right, with members that Writer would never write."""
    writer = Writer(path)
    writer.add_bytes("database.dump", b"dump")
    change(writer._tar)
    for name in files:
        writer.entries[name] = archive.Entry(4, "0" * 64)
    writer.finish(manifest())
    writer.close()
    return path


def refused(path: Path) -> str:
    with pytest.raises(ArchiveUnusable) as caught:
        Reader(path, ignore)
    return str(caught.value)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = make(tmp_path / "x.tar")
    assert path.stat().st_mode & 0o777 == 0o600
    read: list[int] = []
    with archive.opened(path, read.append) as backup:
        assert backup.manifest.files.keys() == FILES.keys()
        assert backup.manifest.maas == "3.5.13"
        for name, content in FILES.items():
            backup.extract(name, tmp_path / "out" / name, ignore)
            assert (tmp_path / "out" / name).read_bytes() == content
    assert sum(read) == path.stat().st_size - archive._SEAL_SIZE


def test_any_tar_reads_it(tmp_path: Path) -> None:
    with tarfile.open(make(tmp_path / "x.tar")) as tar:
        assert tar.getnames() == [*FILES, "manifest.json", "sha256"]


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = make(tmp_path / "x.tar").read_bytes()
    cut = tmp_path / "cut.tar"
    for size in {0, 1, 511, 512, 1024, *range(0, len(whole), 512), len(whole) - 1}:
        cut.write_bytes(whole[:size])
        refused(cut)
    cut.write_bytes(whole + b"\0" * 512)
    refused(cut)


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    whole = make(tmp_path / "x.tar").read_bytes()
    flipped = tmp_path / "flipped.tar"
    chance = random.Random(6)
    places = [*(chance.randrange(len(whole)) for _ in range(400)), len(whole) - 1, 0]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        flipped.write_bytes(changed)
        refused(flipped)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "image-storage/../../x",
        "image-storage",
        "image-storage//a",
        "image-storage/./a",
        "etc-maas/../x",
        "regiond.conf/x",
        "certificates/cluster.key",
        "other",
    ],
)
def test_names_without_a_place_are_refused(tmp_path: Path, name: str) -> None:
    path = craft(tmp_path / "x.tar", lambda tar: _add(tar, name), [name])
    assert "has no place in a backup" in refused(path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("image-storage/x")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)

    assert "is no plain file" in refused(craft(tmp_path / "x.tar", add, []))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("image-storage/x")
        info.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "0,1",
            "GNU.sparse.size": str(2**40),
        }
        tar.addfile(info)

    refused(craft(tmp_path / "x.tar", add, ["image-storage/x"]))


def test_a_size_beyond_the_end_is_refused(tmp_path: Path) -> None:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("image-storage/x")
        info.size = 2**40
        tar.fileobj.write(info.tobuf())  # type: ignore[union-attr]

    assert "larger than the archive" in refused(craft(tmp_path / "x.tar", add, []))


def test_twice_and_a_file_as_directory_are_refused(tmp_path: Path) -> None:
    def twice(tar: tarfile.TarFile) -> None:
        _add(tar, "secret")
        _add(tar, "secret")

    def inside(tar: tarfile.TarFile) -> None:
        _add(tar, "image-storage/a")
        _add(tar, "image-storage/a/b")

    assert "twice" in refused(craft(tmp_path / "x.tar", twice, ["secret"]))
    names = ["image-storage/a", "image-storage/a/b"]
    assert "in the place of a directory" in refused(craft(tmp_path / "y.tar", inside, names))


def test_members_and_manifest_must_agree(tmp_path: Path) -> None:
    unnamed = craft(tmp_path / "x.tar", lambda tar: _add(tar, "secret"), [])
    assert "other files than its manifest says: secret" in refused(unnamed)
    absent = craft(tmp_path / "y.tar", lambda tar: None, ["secret"])
    assert "other files than its manifest says: secret" in refused(absent)
    other = craft(tmp_path / "z.tar", lambda tar: _add(tar, "secret"), ["secret"])
    with (
        archive.opened(other, ignore) as backup,
        pytest.raises(ArchiveUnusable, match="another secret"),
    ):
        backup.extract("secret", tmp_path / "secret", ignore)
    empty = make(tmp_path / "e.tar", {"secret": b"x"})
    assert "no database.dump" in refused(empty)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "is of format 2, and this image knows format 1"),
        ({"maas": "new"}, "cannot be understood"),
        ({"migrations": {}}, "cannot be understood"),
        ({"schemas": [1]}, "cannot be understood"),
        ({"hostname": None}, "cannot be understood"),
        ({"made": "a\nb"}, "cannot be understood"),
        ({"maas": "1:x"}, "cannot be understood"),
        ({"images": 1}, "cannot be understood"),
        ({"schemas": ["public"]}, "cannot be understood"),
        ({"schemas": ["pg_toast"]}, "cannot be understood"),
        ({"schemas": ["a\ud800"]}, "cannot be understood"),
    ],
)
def test_manifests_that_are_refused(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    assert reason in refused(make(tmp_path / "x.tar", **changes))


def test_names_of_any_bytes_come_back(tmp_path: Path) -> None:
    names = ["etc-maas/preseeds/Icon\r", "etc-maas/a\udcffb", "etc-maas/no\u00a0break"]
    path = make(tmp_path / "x.tar", {"database.dump": b"x", **dict.fromkeys(names, b"y")})
    with archive.opened(path, ignore) as backup:
        for name in names:
            backup.extract(name, tmp_path / "out" / name, ignore)


def test_a_size_without_end_is_refused(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "x.tar")
    writer.add_bytes("database.dump", b"dump")
    writer.entries["database.dump"] = archive.Entry(float("inf"), "")  # type: ignore[arg-type]
    writer.finish(manifest())
    writer.close()
    assert "cannot be understood" in refused(tmp_path / "x.tar")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', "[" * 100_000])
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    writer = Writer(tmp_path / "x.tar")
    writer.add_bytes("database.dump", b"dump")
    writer.add_bytes("manifest.json", text.encode())
    writer._file.write(archive._seal(writer._digest.hexdigest()))
    writer.close()
    assert "manifest.json that cannot be understood" in refused(tmp_path / "x.tar")


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as tar:
        _add(tar, "secret")
    assert "is no backup of MAAS" in refused(other)
    other.write_text(json.dumps({"a": "b"}))
    assert "is no backup of MAAS" in refused(other)


def _add(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = 4
    tar.addfile(info, io.BytesIO(b"four"))
