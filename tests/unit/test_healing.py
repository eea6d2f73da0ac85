"""When regiond is restarted, with clocks of the test's own."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import check_run
import pytest

from healthcheck import healing
from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.healing import Hangs, Healer
from healthcheck.monitor import Monitor
from healthcheck.supervisor_client import Program, SupervisorClient
from healthcheck.verdict import Result

STARTED = 10_000


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.state = "RUNNING"
        self.started = STARTED
        self.database: Failure | None = None
        self.hangs = Hangs(lambda: self.now, lambda: STARTED + self.now)

    def look(self, regiond: Failure | None = None, answers: bool = False) -> bool:
        """Ten seconds later both checks have run."""
        self.now += 10
        failure = None if answers else regiond or Failure("no answer")
        program = Program("regiond", self.state, "", self.started, 0)
        database = Result(self.database, 0.01, self.now - 1)
        return self.hangs.note(Result(failure, 5.0, self.now), database, program)

    def hang(self) -> list[bool]:
        return [self.look() for _ in range(healing.UNANSWERED)]


@pytest.fixture
def world() -> World:
    world = World()
    world.look(answers=True)
    return world


def test_the_third_silence_in_a_row_is_a_hang(world: World) -> None:
    assert world.hang() == [False, False, True]


def test_an_answer_in_between_begins_anew(world: World) -> None:
    assert [world.look(), world.look(), world.look(answers=True)] == [False] * 3
    assert world.hang() == [False, False, True]


def test_while_the_database_is_away_nothing_is_healed(world: World) -> None:
    world.database = Failure("gone")
    assert not any(world.look() for _ in range(60))
    world.database = None
    # and what was silent then does not count afterwards
    assert world.hang() == [False, False, True]


def test_the_database_must_have_answered_meanwhile(world: World) -> None:
    stale = Result(None, 0.01, world.now)
    program = Program("regiond", "RUNNING", "", STARTED, 0)
    for seconds in (10, 20, 30):
        silent = Result(Failure("no answer"), 5.0, world.now + seconds)
        assert not world.hangs.note(silent, stale, program)


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "STARTING", "BACKOFF", "EXITED"])
def test_what_does_not_run_is_not_healed(world: World, state: str) -> None:
    world.state = state
    assert not any(world.look() for _ in range(10))


def test_one_that_is_still_starting_is_not_hung(world: World) -> None:
    world.started = STARTED + int(world.now)  # a new life, which has not answered yet
    looks = int(healing.START_SECONDS // 10)
    assert not any(world.look() for _ in range(looks - 1))
    assert any(world.look() for _ in range(5))


def test_after_three_times_within_an_hour_it_is_exhausted(world: World) -> None:
    for _ in range(healing.MOST_HEALS):
        assert not world.hangs.exhausted
        assert world.hang()[-1]
        world.hangs.healed()
    assert world.hangs.exhausted
    assert world.hangs.heals == 3
    world.now += healing.HEALS_SECONDS
    assert not world.hangs.exhausted


class Pid1(SupervisorClient):
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def restart(self, service: str) -> None:
        self.asked.append(service)


def make(_target: Target) -> Run:
    raise NotImplementedError


@pytest.mark.parametrize("heal", [True, False])
def test_what_hangs_is_restarted_unless_that_is_switched_off(
    environment: Mapping[str, str], heal: bool
) -> None:
    target = check_run.target(environment)
    target = replace(target, settings=replace(target.settings, maas_heal=heal))
    target.programs.latest = [Program("regiond", "RUNNING", "", 1, 0)]  # for long
    target.programs.client = pid1 = Pid1()
    regiond = Check("regiond", "", "", State.UNHEALTHY, 10, 5, make)
    monitor = Monitor([regiond], target)
    said: list[str] = []

    async def run() -> int:
        healer = Healer(monitor, target, said.append)
        task = asyncio.create_task(healer.keep_healing())
        for number in range(healing.UNANSWERED * (healing.MOST_HEALS + 2)):
            monitor.results["database"] = Result(None, 0.01, number + 0.9)
            result = Result(Failure("no answer"), 0.5, float(number))
            monitor.results["regiond"] = result
            for note in monitor.on_result:
                note(regiond, result)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        task.cancel()
        return healer.heals

    heals = asyncio.run(run())
    assert heals == (healing.MOST_HEALS if heal else 0)
    assert pid1.asked == ["regiond"] * heals
    if heal:
        assert said[0] == "regiond hangs and is restarted: no answer"
        # said once, however long it lasts
        assert [line for line in said if line.startswith("cannot heal regiond")] == said[-1:]
    else:
        assert said == []
