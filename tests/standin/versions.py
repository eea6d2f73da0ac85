"""What differs between the versions of MAAS that the stand-in stands in for: one row for each.

Two more things belong to a version and are found by its name: `migrations/<series>.txt`, the
migrations that are new in it, and `overlays/<series>/<package>/root`, files that are new in it or
other than before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Version:
    """A series, and how it behaves (maas-versions.md 1, maas-37-region-run.md)."""

    series: str
    release: str

    temporal_plugin: str
    """What dbupgrade calls the database to temporal-sql-tool."""

    alembic: bool
    """Alembic makes the schema; Django only brings an older one as far as Alembic's first."""

    import_seconds: float
    """What a command takes to start, less the stand-in's own work."""

    daemon_import_seconds: float
    """What apiserver and temporal-worker take, which do without Django."""

    state_seconds: float
    """What Django takes to see where a database is that has some of the migrations."""

    internal_api: bool
    """apiserver has its own paths below /MAAS/a, an API for racks on 5242, the cluster's
    certificate, and needs the database at its start. It and temporal-worker wait for regiond's
    start-up."""

    apiserver_obeys_term: bool
    """SIGTERM ends apiserver, and not its internal API alone."""

    short_version_needs_database: bool
    """/MAAS/api/version/, too, is 500 without it."""

    json_log: bool
    """apiserver and temporal-worker log JSON, apiserver two lines for each request."""

    sudo_flags: tuple[str, ...]
    """How the refresh scripts get their environment through sudo."""

    hsts_seconds: int
    """How long browsers shall remember that MAAS has TLS."""

    depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Debian packages that only this version needs, by the package that needs them."""

    @property
    def package_version(self) -> str:
        return f"{self.release}+standin"

    def constants(self) -> str:
        """The row as Python, for the packages."""
        return "".join(
            f"{each.name.upper()} = {getattr(self, each.name)!r}\n"
            for each in fields(self)
            if each.name not in ("series", "depends")
        )


PRESERVED = tuple(
    f"--preserve-env={name}"
    for name in (
        "HOME",
        "MAAS_CACHE",
        "MAAS_DATA",
        "MAAS_ROOT",
        "PATH",
        "REFRESH_DIRECTORY",
        "REFRESH_URL",
        "http_proxy",
        "https_proxy",
    )
)
"""As many as MAAS has; which it names is not known."""

STREAM_MODULE = {"maas-common": ("libnginx-mod-stream",)}

VERSIONS = {
    version.series: version
    for version in (
        Version(
            series="3.5",
            release="3.5.13",
            temporal_plugin="postgres",
            alembic=False,
            import_seconds=1.8,
            daemon_import_seconds=1.8,
            state_seconds=0.0,
            internal_api=False,
            apiserver_obeys_term=True,
            short_version_needs_database=False,
            json_log=False,
            sudo_flags=("-E",),
            hsts_seconds=180 * 86400,
        ),
        Version(
            series="3.6",
            release="3.6.5",
            temporal_plugin="postgres12",
            alembic=False,
            import_seconds=1.8,
            daemon_import_seconds=1.8,
            state_seconds=0.0,
            internal_api=True,
            apiserver_obeys_term=True,
            short_version_needs_database=False,
            json_log=False,
            sudo_flags=PRESERVED,
            hsts_seconds=180 * 86400,
            depends=STREAM_MODULE,
        ),
        Version(
            series="3.7",
            release="3.7.3",
            temporal_plugin="postgres12",
            alembic=True,
            import_seconds=2.9,
            daemon_import_seconds=2.2,
            state_seconds=8.5,
            internal_api=True,
            apiserver_obeys_term=False,
            short_version_needs_database=True,
            json_log=True,
            sudo_flags=PRESERVED,
            hsts_seconds=730 * 86400,
            depends={
                **STREAM_MODULE,
                "python3-django-maas": ("python3-alembic", "python3-sqlalchemy"),
            },
        ),
    )
}
"""Oldest first: each has the migrations and the overlays of those before it."""

DEFAULT = "3.5"
