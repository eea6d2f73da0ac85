"""What a user can get wrong: one line that says what mends it, and an exit status that says why."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from engine import Container, Ended

Run = Callable[..., Ended]


def check(ended: Ended, status: int, *words: str) -> None:
    assert ended.status == status, ended.log
    assert len(ended.errors) == 1, ended.log
    assert "Traceback" not in ended.log
    for word in words:
        assert word in ended.log
    assert "| regiond starts" not in ended.log


def test_a_wrong_password(run_to_end: Run) -> None:
    ended = run_to_end(POSTGRES_PASSWORD="not-the-password")
    check(ended, 77, "POSTGRES_PASSWORD", "cannot log in to PostgreSQL at postgres:5432")
    assert "not-the-password" not in ended.log


def test_a_missing_setting(run_to_end: Run) -> None:
    check(run_to_end(MAAS_URL=""), 78, "MAAS_URL is not set", "Example: MAAS_URL=http")


def test_every_wrong_setting_at_once(run_to_end: Run) -> None:
    ended = run_to_end(MAAS_URL="", POSTGRES_PORT="x", POSTGRES_PASSWORD="")
    check(ended, 78, "MAAS_URL", "POSTGRES_PORT", "POSTGRES_PASSWORD is not set")


def test_a_volume_of_root(run_to_end: Run, tmp_path: Path) -> None:
    check(
        run_to_end(f"--volume={tmp_path}:/var/lib/maas"),
        73,
        "belongs to UID 0",
        "chown -R 568:568",
    )


def test_a_file_of_root_in_the_volume(run_to_end: Run, tmp_path: Path) -> None:
    os.chown(tmp_path, 568, 568)
    (tmp_path / "secret").write_text("root's")
    check(run_to_end(f"--volume={tmp_path}:/var/lib/maas"), 73, "/var/lib/maas/secret belongs")


def test_a_run_directory_that_cannot_be_written(run_to_end: Run) -> None:
    ended = run_to_end("--tmpfs=/run:uid=1,mode=0755")
    check(ended, 73, "--tmpfs /run:uid=568,gid=568,mode=0755")


def test_no_database_in_time(run_to_end: Run) -> None:
    ended = run_to_end(POSTGRES_HOST="nobody.invalid", MAAS_DB_WAIT="1")
    check(ended, 69, "POSTGRES_HOST", "MAAS_DB_WAIT")


@pytest.mark.parametrize(
    ("change", "undo", "words"),
    [
        (
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('maasserver', '0999_newer', now())",
            "DELETE FROM django_migrations WHERE name = '0999_newer'",
            "newer than the MAAS in this image",
        )
    ],
)
def test_a_newer_database(
    run_to_end: Run, maas: Container, change: str, undo: str, words: str
) -> None:
    maas.sql(change)
    try:
        check(run_to_end(), 65, words)
    finally:
        maas.sql(undo)


def test_a_network_whose_low_ports_are_roots(run_to_end: Run) -> None:
    # as on the host's own network
    name = "net.ipv4.ip_unprivileged_port_start"
    check(run_to_end(f"--sysctl={name}=1024"), 78, f"{name} is 1024", f"sysctl -w {name}=53")
