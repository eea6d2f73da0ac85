import asyncio
from collections.abc import Mapping
from typing import Any

import check_run
import pid1_double
import pytest

from healthcheck import programs as client
from healthcheck.check import Failure
from healthcheck.checks import programs


def look(
    environment: Mapping[str, str], name: str, state: str, wanted: bool = True, status: int = 0
) -> Failure | None:
    process = {"name": name, "statename": state, "exitstatus": status, "description": "why"}

    async def run() -> Failure | None:
        async with pid1_double.answering(environment, process, wanted={name: wanted}):
            return await check_run.run(programs.CHECK, environment)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "state", "wanted", "status"),
    [
        ("regiond", "RUNNING", True, 0),
        ("regiond", "STARTING", True, 0),
        ("init", "EXITED", False, 0),
        ("apply", "EXITED", False, programs.REFUSED),
        ("squid", "STOPPED", False, 0),  # as MAAS's own settings want it
        ("housekeeping", "STOPPED", False, 0),  # as an operator wants it
        ("temporal", "STOPPED", True, 0),  # MAAS has not asked for it yet
    ],
)
def test_as_it_should_be(
    environment: Mapping[str, str], name: str, state: str, wanted: bool, status: int
) -> None:
    assert look(environment, name, state, wanted, status) is None


@pytest.mark.parametrize(
    ("name", "state", "status", "degrades"),
    [
        ("regiond", "BACKOFF", 0, False),
        ("nginx", "FATAL", 0, False),
        ("regiond", "STOPPED", 0, False),  # MAAS's settings never want that
        ("init", "EXITED", 70, False),
        ("squid", "BACKOFF", 0, True),
        ("apply", "EXITED", 1, True),
    ],
)
def test_failures(
    environment: Mapping[str, str], name: str, state: str, status: int, degrades: bool
) -> None:
    failure = look(environment, name, state, wanted=False, status=status)
    assert failure
    assert failure.degrades is degrades
    assert str(failure) == f"{name} is {state}: why (supervisorctl start {name})"


def test_what_ended_well_and_should_run_has_failed(environment: Mapping[str, str]) -> None:
    assert look(environment, "squid", "EXITED", wanted=True)


def test_what_has_failed_is_asked_for_again(environment: Mapping[str, str]) -> None:
    async def run() -> list[bool]:
        check = programs.CHECK.make(check_run.target(environment))
        answers = []
        for state in ("STOPPED", "RUNNING"):
            nginx = {"name": "nginx", "statename": state}
            async with pid1_double.answering(environment, nginx):
                answers.append(await check() is None)
        return answers

    assert asyncio.run(run()) == [False, True]


def test_restarts_again_and_again_are_told(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FRESH_SECONDS", -1)
    squid: dict[str, Any] = {"name": "squid"}

    async def run() -> list[str]:
        check = programs.CHECK.make(check_run.target(environment))
        answers = []
        for restarts in (7, 7 + programs.RESTARTS - 1, 7 + programs.RESTARTS):
            async with pid1_double.answering(environment, squid, restarts={"squid": restarts}):
                answers.append(check_run.reason(await check()))
        return answers

    first, second, third = asyncio.run(run())
    assert (first, second) == ("passed", "passed")
    assert third.startswith(f"squid was restarted {programs.RESTARTS} times within 10 minutes")


def test_pid_1_is_silent(environment: Mapping[str, str]) -> None:
    failure = asyncio.run(check_run.run(programs.CHECK, environment))
    assert check_run.reason(failure).startswith("PID 1 does not answer")
    assert failure
    assert not failure.degrades
