"""The file of a backup: a tar archive whose end proves that nothing before it has changed.

Members are regular files below a few known names. The last but one, `manifest.json`, says what the
backup is and has size and SHA-256 of each; the last has the SHA-256 of all bytes before it.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import IO, Any

from maas_init import maas_package

FORMAT = 1
DATABASE = "database.dump"
MANIFEST = "manifest.json"
# The operator's preseeds and drivers; everything else lies in the data directory.
CONFIGURATION = "etc-maas"
DIRECTORIES = ("image-storage", CONFIGURATION)
FILES = ("regiond.conf", "maas_id", "maas_uuid", "secret")
LARGEST_MANIFEST = 64 * 2**20
CHUNK = 2**20
_WRONG_SHAPE = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
_SCHEMA = re.compile(r"(?!pg_|public\Z|information_schema\Z).")
_BLOCK = 512
_SEAL = "sha256"
_SEAL_SIZE = 4 * _BLOCK  # its header, its digest, and the two blocks that end an archive

OnBytes = Callable[[int], None]


class ArchiveUnusable(Exception):
    """The file is no backup that can be restored; completes the sentence "the archive …"."""


@dataclass(frozen=True)
class Entry:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


@dataclass
class Manifest:
    """What a backup is. `migrations` are all that its database has applied."""

    made: str
    maas: str
    image: str
    postgresql: str
    database: str
    system_id: str
    hostname: str
    images: bool
    migrations: list[str]
    schemas: list[str]
    missing: list[str] = field(default_factory=list)
    files: dict[str, Entry] = field(default_factory=dict)
    format: int = FORMAT


class Writer:
    """Writes an archive to a new file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._digest = hashlib.sha256()
        self._tar = tarfile.TarFile(  # its own end would come after the seal: it is never closed
            fileobj=self,  # type: ignore[arg-type]  # all that it does is write and tell
            mode="w",
            format=tarfile.PAX_FORMAT,
            copybufsize=CHUNK,
        )
        self.entries: dict[str, Entry] = {}

    def write(self, data: bytes) -> int:
        """Write and digest, for the tar file."""
        self._digest.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Return the position, for the tar file."""
        return self._file.tell()

    def add(self, name: str, source: Path, on_bytes: OnBytes) -> None:
        """Add a file; `on_bytes` gets the size of each piece of it. Raises OSError."""
        with source.open("rb") as file:
            status = os.fstat(file.fileno())
            self._add(name, file, status.st_size, status.st_mode & 0o777, status.st_mtime, on_bytes)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file with this content."""
        self._add(name, io.BytesIO(content), len(content), 0o640, 0, lambda count: None)

    def finish(self, manifest: Manifest) -> None:
        """Add manifest and seal, and make it durable."""
        manifest.files = dict(self.entries)
        self.add_bytes(MANIFEST, (json.dumps(asdict(manifest), indent=1) + "\n").encode())
        self._file.write(_seal(self._digest.hexdigest()))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def _add(
        self,
        name: str,
        file: IO[bytes],
        size: int,
        mode: int,
        modified: float,
        on_bytes: OnBytes,
    ) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, mode, int(modified)
        reader = _Digesting(file, on_bytes)
        self._tar.addfile(info, reader)
        self.entries[name] = Entry(size, reader.digest.hexdigest())


class _Digesting:
    def __init__(self, file: IO[bytes], on_bytes: OnBytes) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self._on_bytes(len(data))
        return data


class Reader:
    """An archive that has been found whole and harmless.

    Raises ArchiveUnusable, and OSError where the file cannot be read.
    """

    def __init__(self, path: Path, on_bytes: OnBytes) -> None:
        self._file = path.open("rb")
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self._check_seal(on_bytes)
            members = dict(self._members())
            self.manifest = self._read_manifest(members.pop(MANIFEST, None))
            _compare(self.manifest, members)
            self._members_by_name = members
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def extract(self, name: str, target: Path, on_bytes: OnBytes) -> None:
        """Write a member to a new file, and make it durable."""
        info = self._members_by_name[name]
        digest = hashlib.sha256()
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
            for piece in self._pieces(info.offset_data, info.size):
                digest.update(piece)
                file.write(piece)
                on_bytes(len(piece))
            file.flush()
            os.fchmod(file.fileno(), info.mode & 0o777 | 0o600)
            os.fsync(file.fileno())
        if digest.hexdigest() != self.manifest.files[name].sha256:
            raise ArchiveUnusable(f"has another {name} than its manifest says")

    def _pieces(self, offset: int, size: int) -> Iterator[bytes]:
        self._file.seek(offset)
        left = size
        while left:
            piece = self._file.read(min(left, CHUNK))
            if not piece:
                raise ArchiveUnusable("ends too early")
            left -= len(piece)
            yield piece

    def _check_seal(self, on_bytes: OnBytes) -> None:
        end = self.size - _SEAL_SIZE
        if end < _BLOCK or end % _BLOCK:
            raise ArchiveUnusable("is no backup of MAAS, or cut off")
        self._file.seek(end)
        found = self._file.read()
        if found[:_BLOCK] != _seal("0" * 64)[:_BLOCK]:  # seen at once, however large it is
            raise ArchiveUnusable("is no backup of MAAS, or cut off: its end has no seal")
        digest = hashlib.sha256()
        for piece in self._pieces(0, end):
            digest.update(piece)
            on_bytes(len(piece))
        if found != _seal(digest.hexdigest()):
            raise ArchiveUnusable("has been changed: its seal differs")

    def _members(self) -> Iterator[tuple[str, tarfile.TarInfo]]:
        self._file.seek(0)
        names: set[str] = set()
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                for info in tar:
                    if info.name == _SEAL:
                        break
                    _check_member(info, self.size - _SEAL_SIZE)
                    if info.name in names:
                        raise ArchiveUnusable(f"has {info.name!r} twice")
                    names.add(info.name)
                    yield info.name, info
        except (tarfile.TarError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            raise ArchiveUnusable(f"cannot be understood: {error}") from None
        for name in names:
            if any(str(parent) in names for parent in PurePosixPath(name).parents):
                raise ArchiveUnusable(f"has a file in the place of a directory of {name!r}")

    def _read_manifest(self, info: tarfile.TarInfo | None) -> Manifest:
        if info is None:
            raise ArchiveUnusable(f"has no {MANIFEST}")
        if info.size > LARGEST_MANIFEST:
            raise ArchiveUnusable(f"has a {MANIFEST} of {info.size} bytes")
        try:
            return _parse(json.loads(b"".join(self._pieces(info.offset_data, info.size))))
        except _WRONG_SHAPE as error:
            raise ArchiveUnusable(
                f"has a {MANIFEST} that cannot be understood: {error!r}"
            ) from None


def _seal(digest: str) -> bytes:
    info = tarfile.TarInfo(_SEAL)
    info.size, info.mode = len(digest), 0o600
    return (info.tobuf(tarfile.USTAR_FORMAT) + digest.encode()).ljust(_SEAL_SIZE, b"\0")


def _check_member(info: tarfile.TarInfo, end: int) -> None:
    name = info.name
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.issparse():
        raise ArchiveUnusable(f"has {name!r}, which is no plain file")
    parts = PurePosixPath(name).parts
    known = name in (DATABASE, MANIFEST, *FILES) or (len(parts) > 1 and parts[0] in DIRECTORIES)
    if not known or ".." in parts or str(PurePosixPath(name)) != name:
        raise ArchiveUnusable(f"has {name!r}, which has no place in a backup")
    if info.size < 0 or info.offset_data + info.size > end:
        raise ArchiveUnusable(f"says that {name!r} is larger than the archive")


def _parse(document: dict[str, Any]) -> Manifest:
    number = document["format"]
    if number != FORMAT:
        raise ArchiveUnusable(
            f"is of format {number}, and this image knows format {FORMAT}: restore it with the"
            " image that made it, or a newer one"
        )
    files = {str(n): Entry(int(e["size"]), str(e["sha256"])) for n, e in document["files"].items()}
    values = {f.name: document[f.name] for f in fields(Manifest)} | {"files": files}
    for name in ("migrations", "schemas", "missing"):
        if not isinstance(values[name], list) or not all(isinstance(v, str) for v in values[name]):
            raise ValueError(f"{name} is no list of names")
    for name in ("made", "maas", "image", "postgresql", "database", "system_id", "hostname"):
        if not isinstance(values[name], str) or not values[name].isprintable():
            raise ValueError(f"{name} is no text")
    maas_package.series(values["maas"])
    if not isinstance(values["images"], bool):
        raise ValueError("images is neither true nor false")
    for name in values["schemas"]:
        if not name.isprintable() or not _SCHEMA.match(name):
            raise ValueError(f"{name!r} is no schema of MAAS's")
    return Manifest(**values)


def _compare(manifest: Manifest, members: dict[str, tarfile.TarInfo]) -> None:
    sizes = {name: info.size for name, info in members.items()}
    declared = {name: entry.size for name, entry in manifest.files.items()}
    if sizes != declared:
        names = sorted(n for n in sizes | declared if sizes.get(n) != declared.get(n))
        raise ArchiveUnusable(f"has other files than its manifest says: {', '.join(names[:3])}")
    if DATABASE not in members:
        raise ArchiveUnusable(f"has no {DATABASE}")


def opened(path: Path, on_bytes: OnBytes) -> contextlib.closing[Reader]:
    """Open and check an archive."""
    return contextlib.closing(Reader(path, on_bytes))
