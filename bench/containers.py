"""Containers of the project's image, on a network of their own with a PostgreSQL."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.supervisors import MeasurementError, run

IMAGE = "truenas-maas-demo/maas:latest"
POSTGRES = "truenas-maas-demo/postgres:15"
PASSWORD = "maas-bench"
READY_SECONDS = 60


def settings(stack: str, name: str, **more: str) -> list[str]:
    """Return the options that a container of a stack's is given its settings by."""
    environment = {
        "STANDIN_TIME_SCALE": "0",
        "MAAS_URL": f"http://{name}:5240/MAAS",
        "MAAS_ADMIN_PASSWORD": PASSWORD,
        "POSTGRES_HOST": f"{stack}-postgres",
        "POSTGRES_USER": "maas",
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_DB": "maas",
    }
    return [f"--env={key}={value}" for key, value in (environment | more).items()]


@contextmanager
def postgres(stack: str) -> Iterator[None]:
    """Start PostgreSQL on a network of that name; remove both, and all whose name begins so."""
    _remove(stack)  # what a run that was killed has left
    try:
        run("docker", "network", "create", stack)
        where = ("--detach", f"--network={stack}", f"--name={stack}-postgres")
        server = (POSTGRES, "postgres", "-c", "max_connections=200")
        run("docker", "run", *where, *settings(stack, stack), *server)
        _wait_for_postgres(stack)
        yield
    finally:
        _remove(stack)


def _remove(stack: str) -> None:
    for kind, found in (("container", ("ls", "--all")), ("volume", ("ls",)), ("network", ("ls",))):
        listed = run("docker", kind, *found, "--quiet", f"--filter=name={stack}").split()
        options = ("--force", "--volumes") if kind == "container" else ()
        if listed:
            subprocess.run(["docker", kind, "rm", *options, *listed], capture_output=True)


def _wait_for_postgres(stack: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    ready = ["docker", "exec", f"{stack}-postgres", "pg_isready", "--host=127.0.0.1"]
    while subprocess.run(ready, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise MeasurementError(f"cannot measure: PostgreSQL did not start: {ready}")
        time.sleep(0.2)
