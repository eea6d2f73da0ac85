import sys
from pathlib import Path

import pytest

from maas_init import packaged
from maas_init.packaged import Packaged

CHAIN = {"0000": None, "0004": "0000", "0025": "0004", "0026": "0025"}


def write(file: Path, text: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory of packages that the Python which has MAAS looks in."""
    for package, directory in packaged.DJANGO.values():
        write(tmp_path / package / "__init__.py", "raise SystemExit('imported')")
        write(tmp_path / package / directory / "0001_initial.py")
        write(tmp_path / package / directory / "__init__.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MAAS_PATH", str(tmp_path))
    monkeypatch.setattr(packaged, "PYTHON", sys.executable)
    return tmp_path


def test_django_only(site: Path) -> None:
    found = packaged.read()
    assert found.django == {(application, "0001_initial") for application in packaged.DJANGO}
    assert found.revisions == {}
    assert found.heads == frozenset()
    assert found.temporal == {}


def test_alembic_is_read_without_being_run(site: Path) -> None:
    versions = site / "maasservicelayer/db/alembic/versions"
    write(site / "maasservicelayer/__init__.py", "raise SystemExit('imported')")
    write(versions / "__init__.py")
    for revision, before in CHAIN.items():
        write(
            versions / f"{revision}_x.py",
            "import nothing\n"
            f"revision: str = {revision!r}\ndown_revision: str | None = {before!r}\n",
        )
    found = packaged.read()
    assert found.revisions.keys() == CHAIN.keys()
    assert found.heads == {"0026"}
    assert found.ancestors(frozenset({"0025"})) == {"0000", "0004", "0025"}


def test_branches_and_merges_of_alembic(tmp_path: Path) -> None:
    write(tmp_path / "m.py", "revision = '0030'\ndown_revision = ('0024', '0026')\n")
    assert packaged.revision(tmp_path / "m.py") == ("0030", {"0024", "0026"})
    graph = Packaged(
        frozenset(),
        {
            "0": frozenset(),
            "a": frozenset("0"),
            "b": frozenset("0"),
            "m": frozenset("ab"),
        },
    )
    assert graph.heads == {"m"}
    assert graph.ancestors(frozenset({"m"})) == {"0", "a", "b", "m"}
    write(tmp_path / "n.py", "nothing = 1\n")
    with pytest.raises(ValueError, match="does not say its revision"):
        packaged.revision(tmp_path / "n.py")


def test_temporal_s_newest_schemas_by_number(site: Path) -> None:
    for name in (
        "temporal/versioned/v1.9",
        "temporal/versioned/v1.10",
        "visibility/versioned/v1.3",
    ):
        (site / "var/lib/temporal/schema" / name).mkdir(parents=True)
    assert packaged.read().temporal == {"temporal": (1, 10), "temporal_visibility": (1, 3)}
