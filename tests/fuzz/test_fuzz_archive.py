"""Backups: none that was changed is taken, and a forged one does no harm."""

import hashlib
import io
import json
import random
import shutil
import tarfile
from pathlib import Path
from typing import Any

from archives import ignore, make
from fuzzing import Fuzzer
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mutation import (
    TOKENS,
    Op,
    changed,
    json_bytes,
    mutate,
    ops,
    pick,
    vary,
    vary_document,
    written,
)

from maas_init import archive
from maas_init.archive import ArchiveUnusable
from maas_init.commands import restore

BLOCK = 512
# Numbers of a tar's header, octal and base-256: negative, huge, none.
FIELDS = (
    *(b"\x80" + b"\0" * 10 + b"\1", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"77777777777\0"),
    *(b"-0000000001\0", b"           \0", b"\0" * 12, b"0000000000x\0", b"\xff" + b"\0" * 11),
)
TYPES = b"0\x001234567xgLKSDVMNAX"
PAX = (
    *(b"path=../x", b"path=/etc/x", b"path=secret", b"size=-1", b"size=99999999999999999999"),
    *(b"size=1e9", b"GNU.sparse.map=0,1", b"GNU.sparse.size=9", b"GNU.sparse.realsize=-1"),
    *(b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.name=../x", b"mtime=nan"),
    *(b"linkpath=/etc", b"hdrcharset=BINARY", b"path=\xff", b"=", b"path=", b"uname=\xc3"),
)


def member(name: bytes, kind: int, content: bytes, size: bytes | None) -> bytes:
    """Return a member of a tar as no writer would write it, its checksum right."""
    head = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    head[:100] = name[:100].ljust(100, b"\0")
    head[124:136] = (size or b"%011o\0" % len(content))[:12].ljust(12, b"\0")
    head[156] = kind
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + content + b"\0" * (-len(content) % BLOCK)


def pax(records: list[bytes], lengths: int) -> bytes:
    """Return records of a pax header, each length `lengths` off."""
    text = b""
    for record in records:
        size = len(record) + 3
        size += len(str(size)) - 1
        text += b"%d %s\n" % (max(size + lengths, -9), record)
    return text


def sealed(body: bytes) -> bytes:
    body += b"\0" * (-len(body) % BLOCK)
    return body + archive._seal(hashlib.sha256(body).hexdigest())


NAMES = (
    *(b"secret", b"database.dump", b"image-storage/a", b"image-storage/a/b", b"manifest.json"),
    *(b"../x", b"/etc/x", b"image-storage/../../x", b"image-storage/\xff", b"", b"sha256"),
    *(b"etc-maas/" + b"x" * 91, b"etc-maas/" + b"a/" * 45, b"image-storage/\n"),
)
CONTENTS = (b"dump" * 400, b"s3cret", b"", b"x" * BLOCK, b"image-storage/" + b"y" * 90 + b"\0")
MEMBERS = st.builds(
    member,
    pick(NAMES),
    pick(TYPES),
    st.binary(max_size=600)
    | st.builds(pax, st.lists(pick(PAX), max_size=4), st.sampled_from((0, 0, 0, -3, 5)))
    | pick(CONTENTS),
    st.none() | pick(FIELDS),
)


def some_member(chance: random.Random) -> bytes:
    """Return a member as MEMBERS are, faster than Hypothesis makes one."""
    records = [chance.choice(PAX) for _ in range(chance.randrange(4))]
    content = chance.choice((*CONTENTS, pax(records, chance.choice((0, 0, 0, -3, 5)))))
    size = chance.choice(FIELDS) if chance.random() < 0.3 else None
    return member(chance.choice(NAMES), chance.choice(TYPES), content, size)


def taken_apart(whole: bytes) -> tuple[bytes, Any]:
    """Return what stands before the manifest, and the manifest."""
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        last = tar.getmember(archive.MANIFEST)
    return whole[: last.offset], json.loads(whole[last.offset_data :][: last.size])


def forged(whole: bytes) -> SearchStrategy[bytes]:
    """Return archives that somebody has made who knows how to seal one."""
    body = whole[: -archive._SEAL_SIZE]
    before, document = taken_apart(whole)

    def with_manifest(text: bytes, ops: list[Op]) -> bytes:
        return sealed(mutate(before, ops) + member(b"manifest.json", ord("0"), text, None))

    def with_members(at_start: bool, members: list[bytes], manifest: Any) -> bytes:
        tail = member(b"manifest.json", ord("0"), written(manifest), None)
        return sealed(b"".join(members) + (before if not at_start else b"") + tail)

    few = st.lists(MEMBERS, min_size=1, max_size=4)
    return (
        st.builds(with_manifest, json_bytes(document), st.just([]))
        | st.builds(with_manifest, st.just(written(document)), ops(3))
        | st.builds(with_members, st.booleans(), few, st.just(document) | changed(document))
        | st.builds(lambda ops: sealed(mutate(body, ops)), ops(3, FIELDS))
    )


def test_archive_changed(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """Any change of a good one is seen, whatever it is."""
    whole = make(tmp_path / "good.tar").read_bytes()
    path = tmp_path / "changed.tar"

    def case(changed: bytes) -> None:
        path.write_bytes(changed)
        try:
            archive.Reader(path, ignore).close()
        except ArchiveUnusable:
            assert changed != whole
        else:
            assert changed == whole

    tar = (b"ustar", b"\0" * BLOCK, b"0" * BLOCK, *FIELDS)
    few = (ops(3) | ops(2, tar)).map(lambda ops: mutate(whole, ops))
    fuzzer.run(case, few, vary=lambda _, chance: vary(whole, chance))


def test_archive_forged(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """Nothing is written outside of where it is unpacked, and nothing but what is declared."""
    whole = make(tmp_path / "good.tar").read_bytes()
    place = tmp_path / "place"
    place.mkdir()
    directory = place / "data"
    stage = directory / ".restore"
    path = place / "forged.tar"

    def case(content: bytes) -> None:
        path.write_bytes(content)
        shutil.rmtree(directory, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            with archive.opened(path, ignore) as backup:
                assert restore._describe(backup).isprintable()
                for name in backup.manifest.files:
                    backup.extract(name, stage / name, ignore)
        except (ArchiveUnusable, OSError):
            pass
        else:
            files = {str(p.relative_to(stage)): p for p in stage.rglob("*") if p.is_file()}
            assert set(files) == set(backup.manifest.files)
            for name, file in files.items():
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                assert digest == backup.manifest.files[name].sha256
        assert [entry.name for entry in directory.iterdir()] == [".restore"]
        assert {entry.name for entry in place.iterdir()} == {"data", "forged.tar"}

    before, document = taken_apart(whole)

    def resealed(content: bytes, chance: random.Random) -> bytes:
        if chance.random() < 0.5:
            at = chance.choice((0, max(content.rfind(b"manifest.json"), 0)))
            new = b"".join(some_member(chance) for _ in range(chance.randint(1, 3)))
            return sealed(content[:at] + new + content[at : -archive._SEAL_SIZE])
        if chance.random() < 0.4:
            text = written(vary_document(document, chance))
            return sealed(before + member(b"manifest.json", ord("0"), text, None))
        return sealed(vary(content[: -archive._SEAL_SIZE], chance, (*TOKENS, *FIELDS, *PAX)))

    fuzzer.run(case, forged(whole), (whole,), resealed)
