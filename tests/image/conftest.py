"""Fixtures: the demo's image on the real engine, as a Compose project of the tests' own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import copied
import databases
import pytest
from engine import (
    IMAGE,
    PROJECT,
    ROOT,
    VERSION,
    Container,
    Ended,
    build,
    compose,
    docker,
    start,
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Share out the image tests to the sessions of tests/all.py, by what they use."""
    for item in items:
        if "network" in item.fixturenames and not item.get_closest_marker("chaos"):
            item.add_marker("beside")
        if "project" in item.fixturenames:
            item.add_marker("own_stack")


@pytest.fixture(scope="session")
def image() -> str:
    build(VERSION)
    return IMAGE


@pytest.fixture(scope="session")
def stack(image: str) -> Iterator[Container]:
    """Start PostgreSQL and MAAS on empty volumes, and wait until MAAS is healthy."""
    compose("down", "--volumes")
    compose("up", "--detach")
    container = Container(f"{PROJECT}-maas-1")
    container.wait_until_healthy()
    yield container
    compose("down", "--volumes")


@pytest.fixture
def maas(stack: Container) -> Container:
    """Give the running MAAS, healthy again whatever the test before did to it."""
    if stack.inspect("{{.State.Running}}") != "true":
        docker("start", stack.name)
    stack.wait_until_healthy()
    return stack


@pytest.fixture
def run_to_end(stack: Container) -> Iterator[Callable[..., Ended]]:
    """Run another container of the image on the stack's network until it ends."""
    name = f"{PROJECT}-run-to-end"
    volume = f"{PROJECT}-run-to-end"

    def run(*arguments: str, **settings: str) -> Ended:
        if not any("/var/lib/maas" in argument for argument in arguments):
            arguments += (f"--volume={volume}:/var/lib/maas",)
        start(name, *arguments, **settings)
        return Ended(name)

    yield run
    docker("rm", "--force", name)
    docker("volume", "rm", "--force", volume)


@pytest.fixture(scope="session")
def network() -> Iterator[str]:
    """Give a network for the containers of databases.py."""
    docker("network", "create", databases.NETWORK, check=False)
    yield databases.NETWORK
    docker("network", "rm", databases.NETWORK, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of what the repository has committed, or is about to."""
    ignored = shutil.ignore_patterns(".git", ".venv", ".env*", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)
    shutil.copy(ROOT / ".env.example", tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def project(copy: Path) -> Iterator[Path]:
    """Give a copy in which `docker compose` makes everything anew."""
    remove = ("docker", "compose", "down", "--volumes", "--remove-orphans")
    copied.run(copy, *remove)  # what a run that was killed has left
    yield copy
    copied.run(copy, *remove)
