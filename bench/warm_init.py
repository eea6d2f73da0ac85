"""Measures `maas-init run` on a database that is current, in the project's image.

Beside it a bare interpreter that imports psycopg and connects once: what no such program can be
quicker than. Both run in one container, in turns.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.supervisors import MeasurementError, run

IMAGE = "truenas-maas-demo/maas:latest"
POSTGRES = "truenas-maas-demo/postgres:15"
NAME = "maas-bench"
PASSWORD = "maas-bench"
READY_SECONDS = 60
UNPRIVILEGED = (
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--read-only",
    "--tmpfs=/run:uid=568,gid=568,mode=0755",
    "--tmpfs=/tmp:uid=568,gid=568",
    "--tmpfs=/var/lib/maas:uid=568,gid=568,mode=0750,exec",
)
PYTHON = "/opt/truenas-maas/bin/python3"
# Runs in the container: the wall time of each command, in turns, as JSON.
TIMER = """
import json, subprocess, sys, time
def seconds(command):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun
commands = json.loads(sys.argv[1])
rounds = [[seconds(command) for command in commands] for _ in range(int(sys.argv[2]))]
print(json.dumps(rounds))
"""
BARE = f"import psycopg; psycopg.connect('host={NAME}-postgres user=maas password={PASSWORD}')"


def measure(repeat: int) -> tuple[list[float], list[float]]:
    """Return the seconds of bare interpreters, and of warm runs. Raises MeasurementError."""
    with _containers():
        _wait_for_postgres()
        run("docker", "exec", NAME, "maas-init", "run")  # migrates
        commands = json.dumps([[PYTHON, "-I", "-c", BARE], ["maas-init", "run"]])
        timer = ("docker", "exec", NAME, PYTHON, "-I", "-c", TIMER, commands)
        run(*timer, "1")  # what the disk still has to deliver
        rounds = json.loads(run(*timer, str(repeat)))
        return [bare for bare, _ in rounds], [warm for _, warm in rounds]


@contextmanager
def _containers() -> Iterator[None]:
    names = (NAME, f"{NAME}-postgres")
    environment = {
        "STANDIN_TIME_SCALE": "0",
        "MAAS_URL": f"http://{NAME}:5240/MAAS",
        "MAAS_ADMIN_PASSWORD": PASSWORD,
        "POSTGRES_HOST": f"{NAME}-postgres",
        "POSTGRES_USER": "maas",
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_DB": "maas",
    }
    settings = [f"--env={key}={value}" for key, value in environment.items()]
    run("docker", "network", "create", NAME)
    try:
        started = ("docker", "run", "--detach", f"--network={NAME}", *settings)
        run(*started, f"--name={NAME}-postgres", POSTGRES)
        run(*started, f"--name={NAME}", *UNPRIVILEGED, f"--hostname={NAME}", IMAGE, "sleep", "1d")
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", *names], capture_output=True)
        subprocess.run(["docker", "network", "rm", NAME], capture_output=True)


def _wait_for_postgres() -> None:
    deadline = time.monotonic() + READY_SECONDS
    ready = ["docker", "exec", f"{NAME}-postgres", "pg_isready", "--host=127.0.0.1"]
    while subprocess.run(ready, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise MeasurementError(f"cannot measure: PostgreSQL did not start: {ready}")
        time.sleep(0.2)
