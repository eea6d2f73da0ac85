"""`healthcheck` where it is more than the probe, run by itself without a monitor."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = {"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": "p-1"}


def run(environment: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "healthcheck", *arguments],
        cwd=ROOT,
        env={**environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [("--nonsense",), ("nonsense",), ("--verbose", "--json")])
def test_what_is_not_understood_ends_in_1(
    environment: Mapping[str, str], arguments: tuple[str, ...]
) -> None:
    status, _, errors = run(environment, *arguments)
    assert status == 1
    assert "usage: healthcheck" in errors


def test_help(environment: Mapping[str, str]) -> None:
    status, text, _ = run(environment, "--help")
    assert status == 0
    for option in ("--verbose", "--json", "--direct"):
        assert option in text


def test_without_settings(environment: Mapping[str, str]) -> None:
    status, text, _ = run(environment, "--direct")
    assert status == 1
    assert text.startswith("unhealthy: settings: ")


def test_before_init_is_done(environment: Mapping[str, str]) -> None:
    assert run(environment | SETTINGS, "--direct")[:2] == (1, "starting: beginning\n")


def test_all_checks_are_run_at_once(environment: Mapping[str, str]) -> None:
    run_directory = Path(environment["MAAS_IPC_SOCKET_PATH"]).parent
    run_directory.mkdir(parents=True)
    report = {"state": "done", "steps": [], "versions": {}, "finished": 1}
    (run_directory / "init.json").write_text(json.dumps(report))
    configured = environment | SETTINGS | {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "1"}
    status, text, _ = run(configured, "--direct", "--json")
    assert status == 1
    document = json.loads(text)
    assert document["state"] == "unhealthy"
    # causes first: what follows from the database comes after it
    assert document["reasons"][0].startswith("database: PostgreSQL does not answer")
    assert all(check["result"] in ("passed", "failed") for check in document["checks"].values())
    assert "docker compose ps postgres" in run(configured, "--direct", "--verbose")[1]
