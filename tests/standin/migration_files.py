"""Makes the migrations of MAAS's own applications out of their names (maas-region-run.md 4)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from versions import VERSIONS

NAMES = Path(__file__).parent / "migrations"

DIRECTORIES = {
    "auth": "maasserver/migrations/auth",
    "piston3": "maasserver/migrations/piston3",
    "maasserver": "maasserver/migrations/maasserver",
    "metadataserver": "metadataserver/migrations",
}
"""The other three applications, contenttypes, sessions and sites, bring Django's own."""

FIRST_NEEDS = {
    "auth": ("contenttypes", "0001_initial"),
    "piston3": ("auth", "0001_initial"),
    "maasserver": ("auth", "0001_initial"),
}

TEMPLATE = """\
from django.db import migrations

from maasserver.migration_steps import operations


class Migration(migrations.Migration):
    dependencies = {dependencies!r}
    operations = operations({app!r}, {number}, {name!r})
"""


def read_names(series: str) -> dict[str, list[str]]:
    """Names of each application, in their order: a series has those before it and its own."""
    names: dict[str, list[str]] = defaultdict(list)
    for each in VERSIONS:
        path = NAMES / f"{each}.txt"
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                app, name = line.split()
                names[app].append(name)
        if each == series:
            break
    return names


def write_migrations(packages: Path, series: str) -> int:
    """Write them below a dist-packages directory; each needs its predecessor."""
    written = 0
    for app, names in read_names(series).items():
        if app not in DIRECTORIES:
            continue
        directory = packages / DIRECTORIES[app]
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "__init__.py").touch()
        before = FIRST_NEEDS.get(app)
        for number, name in enumerate(names, start=1):
            dependencies = [before] if before else []
            text = TEMPLATE.format(dependencies=dependencies, app=app, number=number, name=name)
            (directory / f"{name}.py").write_text(text)
            before = (app, name)
            written += 1
    return written
