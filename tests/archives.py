"""Small backups."""

from pathlib import Path

from maas_init.archive import Manifest, Writer

FILES = {"database.dump": b"dump" * 400, "secret": b"s3cret", "image-storage/a/b": b"i" * 5000}


def ignore(count: int) -> None:
    pass


def manifest(**changes: object) -> Manifest:
    values: dict[str, object] = {
        "made": "2026-11-24T00:00:00+00:00",
        "maas": "3.5.13",
        "image": "abc",
        "postgresql": "16.4",
        "database": "maasdb",
        "system_id": "abcdef",
        "hostname": "maas",
        "images": True,
        "migrations": ["auth.0001_initial"],
        "schemas": ["temporal"],
    }
    return Manifest(**(values | changes))  # type: ignore[arg-type]


def make(path: Path, files: dict[str, bytes] = FILES, **changes: object) -> Path:
    writer = Writer(path)
    for name, content in files.items():
        source = path.parent / "source"
        source.write_bytes(content)
        writer.add(name, source, ignore)
    writer.finish(manifest(**changes))
    writer.close()
    return path
