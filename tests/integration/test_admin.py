"""The first administrator, where MAAS stumbles over a database that 3.7 has made."""

from collections import deque
from typing import Any

import pytest

from maas_init import maas_command
from maas_init.errors import InitError
from maas_init.steps import admin
from maas_init.steps import database as database_step
from settings import Settings


@pytest.mark.parametrize("identity", ["serial", "int GENERATED ALWAYS AS IDENTITY"])
def test_the_site_that_createadmin_misses_is_made_once(
    database: Settings, monkeypatch: pytest.MonkeyPatch, identity: str
) -> None:
    calls = []
    with database_step.connect(database) as connection:
        connection.execute(
            f"CREATE TABLE django_site (id {identity} PRIMARY KEY, domain text UNIQUE, name text);"
            "CREATE TABLE auth_user (username text, is_superuser bool, is_active bool)".encode()
        )

        def createadmin(command: list[str], **_options: Any) -> str:
            calls.append(command)
            row = connection.execute("SELECT count(*) FROM django_site WHERE id = 1").fetchone()
            if row != (1,):
                raise maas_command.CommandFailed("it", deque([f"DoesNotExist: {admin.NO_SITE}."]))
            return ""

        monkeypatch.setattr(maas_command, "run", createadmin)
        admin.create(connection, "first", "first@example.com", "p-1")
        assert len(calls) == 2
        admin.create(connection, "second", "second@example.com", "p-1")
        assert len(calls) == 3


def test_another_failure_is_none_of_ours(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def createadmin(_command: list[str], **_options: Any) -> str:
        raise maas_command.CommandFailed("it", deque(["AlreadyExistingUser: a user exists"]))

    monkeypatch.setattr(maas_command, "run", createadmin)
    with (
        database_step.connect(database) as connection,
        pytest.raises(InitError, match="AlreadyExistingUser"),
    ):
        admin.create(connection, "first", "first@example.com", "p-1")
