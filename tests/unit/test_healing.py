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
SILENT = Failure("no answer", silent=True)


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.state = "RUNNING"
        self.started = STARTED
        self.database: Failure | None = None
        self.hangs = Hangs(lambda: self.now)

    def look(self, regiond: Failure | None = None, answers: bool = False) -> bool:
        """Ten seconds later both checks have run."""
        self.now += 10
        failure = None if answers else regiond or SILENT
        program = Program("regiond", self.state, "", self.started, 0)
        database = Result(self.database, 0.01, self.now - 1)
        return self.hangs.note(Result(failure, 5.0, self.now), database, program)

    def hang(self) -> list[bool]:
        return [self.look() for _ in range(4)]


@pytest.fixture
def world() -> World:
    world = World()
    world.look(answers=True)
    return world


def test_half_a_minute_of_silence_is_a_hang(world: World) -> None:
    assert world.hang() == [False, False, False, True]


def test_three_refusals_within_seconds_are_not(world: World) -> None:
    """As long as a worker that was killed is not there again: after a failure a check hurries."""
    program = Program("regiond", "RUNNING", "", STARTED, 0)
    for number in range(12):
        at = world.now + 2 * number
        database = Result(None, 0.01, at)
        assert not world.hangs.note(Result(SILENT, 0.0, at), database, program)


def test_a_mistake_of_the_monitors_own_is_not_regionds_silence(world: World) -> None:
    assert not any(world.look(Failure("the check itself failed")) for _ in range(10))


def test_an_answer_in_between_begins_anew(world: World) -> None:
    assert [world.look(), world.look(), world.look(answers=True)] == [False] * 3
    assert world.hang() == [False, False, False, True]


def test_while_the_database_is_away_nothing_is_healed(world: World) -> None:
    world.database = Failure("gone")
    assert not any(world.look() for _ in range(60))
    world.database = None
    # and what was silent then does not count afterwards
    assert world.hang() == [False, False, False, True]


def test_the_database_must_have_answered_meanwhile(world: World) -> None:
    stale = Result(None, 0.01, world.now)
    program = Program("regiond", "RUNNING", "", STARTED, 0)
    for seconds in (10, 20, 30, 40):
        silent = Result(SILENT, 5.0, world.now + seconds)
        assert not world.hangs.note(silent, stale, program)


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "STARTING", "BACKOFF", "EXITED"])
def test_what_does_not_run_is_not_healed(world: World, state: str) -> None:
    world.state = state
    assert not any(world.look() for _ in range(10))


def test_one_that_is_still_starting_is_not_hung(world: World) -> None:
    world.started = STARTED + int(world.now)  # a new life, which has not answered yet
    looks = int(healing.START_SECONDS // 10)
    assert not any(world.look() for _ in range(looks))
    assert any(world.look() for _ in range(5))


def test_it_has_its_time_anew_when_the_database_is_back(world: World) -> None:
    world.started = STARTED + int(world.now)
    world.database = Failure("gone")
    assert not any(world.look() for _ in range(100))
    world.database = None
    assert not any(world.look() for _ in range(int(healing.START_SECONDS // 10)))


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
    """Notes what it is asked for, and takes its time."""

    def __init__(self, regiond: Program) -> None:
        self.regiond = regiond
        self.asked: list[str] = []

    async def programs(self) -> list[Program]:
        return [self.regiond]

    async def restart(self, service: str) -> None:
        await asyncio.sleep(0.01)
        self.asked.append(service)


def make(_target: Target) -> Run:
    raise NotImplementedError


async def hang(environment: Mapping[str, str], pid1: Pid1, heal: bool = True) -> list[str]:
    """Have a regiond hang that PID 1 says has run for long; return what was said."""
    target = check_run.target(environment)
    target = replace(target, settings=replace(target.settings, maas_heal=heal))
    target.programs.latest = [Program("regiond", "RUNNING", "", STARTED, 0)]
    target.programs.client = pid1
    regiond = Check("regiond", "", "", State.UNHEALTHY, 10, 5, make)
    monitor = Monitor([regiond], target)
    said: list[str] = []
    healer = Healer(monitor, target, said.append)
    task = asyncio.create_task(healer.keep_healing())

    def note(failure: Failure | None, at: float) -> None:
        monitor.results["database"] = Result(None, 0.01, at)
        result = monitor.results["regiond"] = Result(failure, 0.5, at)
        for listener in monitor.on_result:
            listener(regiond, result)

    note(None, 0)
    for seconds in range(10, 300, 10):
        note(SILENT, seconds)
        await asyncio.sleep(0.002)  # PID 1 takes as long as several looks
    task.cancel()
    return said


RUNNING = Program("regiond", "RUNNING", "", STARTED, 0)


def test_what_hangs_is_restarted_three_times_an_hour(environment: Mapping[str, str]) -> None:
    pid1 = Pid1(RUNNING)
    said = asyncio.run(hang(environment, pid1))
    assert pid1.asked == ["regiond"] * healing.MOST_HEALS
    assert said[:-1] == ["regiond hangs and is restarted: no answer"] * healing.MOST_HEALS
    # once, however long it lasts
    assert said[-1].startswith("cannot heal regiond: it was restarted 3 times within 60 minutes")


def test_healing_can_be_switched_off(environment: Mapping[str, str]) -> None:
    pid1 = Pid1(RUNNING)
    assert asyncio.run(hang(environment, pid1, heal=False)) == pid1.asked == []


@pytest.mark.parametrize(
    "regiond",
    [replace(RUNNING, state="STOPPING"), replace(RUNNING, start_time=STARTED + 60)],
)
def test_what_somebody_stops_or_has_started_anew_is_left_alone(
    environment: Mapping[str, str], regiond: Program
) -> None:
    pid1 = Pid1(regiond)
    assert asyncio.run(hang(environment, pid1)) == pid1.asked == []
