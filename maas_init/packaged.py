"""What the MAAS in this image ships: migrations of Django and Alembic, Temporal's schemas.

All of it is read from the names of files, and Alembic's from their source: nothing of MAAS is
imported (facts/maas-versions.md 1.5).
"""

import ast
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from maas_init import maas_command
from maas_init.maas_command import PYTHON

TIMEOUT_SECONDS = 60.0

# MAAS's MIGRATION_MODULES: Django application -> package and directory of its migrations.
DJANGO = {
    "auth": ("maasserver", "migrations/auth"),
    "contenttypes": ("django", "contrib/contenttypes/migrations"),
    "maasserver": ("maasserver", "migrations/maasserver"),
    "metadataserver": ("metadataserver", "migrations"),
    "piston3": ("maasserver", "migrations/piston3"),
    "sessions": ("django", "contrib/sessions/migrations"),
    "sites": ("django", "contrib/sites/migrations"),
}
# From 3.7 on.
ALEMBIC = ("maasservicelayer", "db/alembic/versions")
# PostgreSQL's schema -> directory of Temporal's schema below TEMPORAL.
TEMPORAL = "/var/lib/temporal/schema"
TEMPORAL_SCHEMAS = {"temporal": "temporal", "temporal_visibility": "visibility"}

Migration = tuple[str, str]


@dataclass(frozen=True)
class Packaged:
    """Every migration of this image's MAAS, and the newest version of each schema of Temporal's.

    `revisions` are Alembic's: revision -> those that come before it. Empty before 3.7.
    """

    django: frozenset[Migration]
    revisions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    temporal: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def heads(self) -> frozenset[str]:
        """Alembic's newest revisions."""
        return frozenset(self.revisions).difference(*self.revisions.values())

    def ancestors(self, revisions: frozenset[str]) -> frozenset[str]:
        """Return these revisions and all that come before them."""
        found: set[str] = set()
        left = list(revisions)
        while left:
            revision = left.pop()
            if revision not in found:
                found.add(revision)
                left += self.revisions[revision]
        return frozenset(found)


def read() -> Packaged:
    """Read what is installed."""
    packages = {package for package, _ in DJANGO.values()} | {ALEMBIC[0]}
    directories = _package_directories(packages)
    return Packaged(
        django=frozenset(
            (application, file.stem)
            for application, (package, directory) in DJANGO.items()
            if package in directories
            for file in (directories[package] / directory).glob("*.py")
            if re.match(r"\d{4}_", file.name)
        ),
        revisions=dict(
            revision(file)
            for package, directory in [ALEMBIC]
            if package in directories
            for file in sorted((directories[package] / directory).glob("[!_]*.py"))
        ),
        temporal=_temporal_versions(),
    )


def revision(file: Path) -> tuple[str, frozenset[str]]:
    """Return an Alembic migration's revision and those before it.

    Raises ValueError where the file does not say.
    """
    said: dict[str, object] = {}
    for statement in ast.parse(file.read_text(encoding="utf-8"), str(file)).body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision"):
                said[target.id] = ast.literal_eval(statement.value)
    name, before = said.get("revision"), said.get("down_revision")
    if not isinstance(name, str):
        raise ValueError(f"{file} does not say its revision")
    if before is None:
        return name, frozenset()
    return name, frozenset([before] if isinstance(before, str) else before)  # type: ignore[call-overload]


def version(text: str) -> tuple[int, ...] | None:
    """Return a version such as 1.10 as numbers that can be compared."""
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d+(\.\d+)*", text) else None


def _package_directories(packages: set[str]) -> Mapping[str, Path]:
    program = (
        "import importlib.util, json, sys;"
        "found = {n: importlib.util.find_spec(n) for n in sys.argv[1:]};"
        "print(json.dumps({n: s.submodule_search_locations[0] for n, s in found.items() if s}))"
    )
    output = maas_command.run([PYTHON, "-c", program, *sorted(packages)], timeout=TIMEOUT_SECONDS)
    return {name: Path(path) for name, path in json.loads(output).items()}


def _temporal_versions() -> Mapping[str, tuple[int, ...]]:
    top = Path(os.environ.get("MAAS_PATH", "").rstrip("/") + TEMPORAL)
    newest = {}
    for schema, directory in TEMPORAL_SCHEMAS.items():
        found = [version(path.name[1:]) for path in (top / directory / "versioned").glob("v*")]
        known = [numbers for numbers in found if numbers]
        if known:
            newest[schema] = max(known)
    return newest
