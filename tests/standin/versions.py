"""What differs between the versions of MAAS that the stand-in stands in for: one row for each.

Two more things belong to a version and are found by its name: `migrations/<series>.txt`, the
migrations that are new in it, and `overlays/<series>/<package>/root`, files that only it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Version:
    """A series, and how it behaves towards the database (maas-versions.md 1.5)."""

    series: str
    release: str

    temporal_plugin: str
    """What dbupgrade calls the database to temporal-sql-tool."""

    alembic: bool
    """Alembic makes the schema; Django only brings an older one as far as Alembic's first."""

    import_seconds: float
    """What a command takes to start, less the stand-in's own work."""

    state_seconds: float
    """What Django takes to see where a database is that has some of the migrations."""

    depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Debian packages that only this version needs, by the package that needs them."""

    @property
    def package_version(self) -> str:
        return f"{self.release}+standin"


VERSIONS = {
    version.series: version
    for version in (
        Version(
            series="3.5",
            release="3.5.13",
            temporal_plugin="postgres",
            alembic=False,
            import_seconds=1.8,
            state_seconds=0.0,
        ),
        Version(
            series="3.6",
            release="3.6.5",
            temporal_plugin="postgres12",
            alembic=False,
            import_seconds=1.8,
            state_seconds=0.0,
        ),
        Version(
            series="3.7",
            release="3.7.3",
            temporal_plugin="postgres12",
            alembic=True,
            import_seconds=2.9,
            state_seconds=8.5,
            depends={"python3-django-maas": ("python3-alembic", "python3-sqlalchemy")},
        ),
    )
}
"""Oldest first: each has the migrations of those before it."""

DEFAULT = "3.5"
