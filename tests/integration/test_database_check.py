"""The monitor's check of the database, on a real PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

import check_run
import psycopg
import pytest
from database_server import Server

from healthcheck.check import Run, Target
from healthcheck.checks import database as check
from settings import Settings


@pytest.fixture
def target(environment: Mapping[str, str], database: Settings) -> Target:
    return check_run.target(environment, settings=database)


async def ask(run: Run) -> str:
    return check_run.reason(await run())


def test_what_is_measured(target: Target, server: Server) -> None:
    """By a role without privileges; another role's sessions count, too."""
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(psycopg.connect(**server.settings().connection_parameters()))
        assert asyncio.run(ask(check.CHECK.make(target))) == "passed"
    readings = {name.removeprefix(check.PREFIX): r for name, r in target.readings.items()}
    assert set(readings) == {
        *("round_trip_seconds", "connect_seconds", "connections", "max_connections"),
        "size_bytes",
    }
    assert 21 <= readings["connections"] <= 25  # type: ignore[operator]
    assert readings["max_connections"] == 97
    assert readings["size_bytes"] > 10**6  # type: ignore[operator]


def test_another_password(target: Target) -> None:
    refused = replace(target, settings=replace(target.settings, postgres_password="p-2"))
    answer = asyncio.run(ask(check.CHECK.make(refused)))
    assert answer.startswith("PostgreSQL does not answer: ")
    assert "p-2" not in answer
    assert "maas_database_connections" not in refused.readings


def test_busy_and_full(target: Target, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has been connected before knows why it gets no new connection."""
    parameters = target.settings.connection_parameters()

    async def run(stack: contextlib.ExitStack) -> list[str]:
        look = check.CHECK.make(target)
        answers = [await ask(look)]
        held = 0
        while held < 90:
            stack.enter_context(contextlib.closing(psycopg.connect(**parameters)))
            held += 1
        answers.append(await ask(look))
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(contextlib.closing(psycopg.connect(**parameters)))
        answers.append(await ask(look))
        monkeypatch.setattr(check, "CONNECTION_SECONDS", 0.0)
        answers.append(await ask(look))
        return answers

    with contextlib.ExitStack() as stack:
        first, busy, full, refused = asyncio.run(run(stack))
    assert first == "passed"
    assert "of 97 connections are in use" in busy
    for answer in (full, refused):
        assert answer.startswith("97 of 97 connections are in use")


def test_it_is_gone_and_comes_back(target: Target, server: Server) -> None:
    async def run() -> list[str]:
        look = check.CHECK.make(target)
        answers = [await ask(look)]
        await asyncio.to_thread(server.stop)
        try:
            answers.append(await ask(look))
        finally:
            await asyncio.to_thread(server.start)
        answers.append(await ask(look))
        return answers

    first, gone, back = asyncio.run(run())
    assert (first, back) == ("passed", "passed")
    assert gone.startswith("PostgreSQL does not answer")
    assert "docker compose ps postgres" in gone
