"""The restart policy, with a clock of the test's own."""

from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events
from supervisor.datatypes import RestartUnconditionally
from supervisor.states import ProcessStates

from supervisord import restarts
from supervisord.restarts import Restarts

EXIT_1 = 1 << 8


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str) -> None:
        self.lines.append(message)

    warn = info


class World:
    """One program, whose process does what a test says."""

    def __init__(self, jitter: float = 0.0) -> None:
        self.now = 1000.0
        config = SimpleNamespace(name="squid", restart_when=RestartUnconditionally, exitcodes=[0])
        self.process: Any = SimpleNamespace(
            config=config,
            state=ProcessStates.RUNNING,
            pid=1,
            exitstatus=1,
            spawnerr=None,
            killing=False,
            laststart=self.now,
            delay=0.0,
            backoff=0,
            spawn=self._spawn,
            change_state=self._change_state,
        )
        self.log = Log()
        self.spawned = 0
        self.restarts = Restarts(
            {"squid": SimpleNamespace(one_shot=False)},  # type: ignore[dict-item]
            {"squid": self.process},
            self.log,  # type: ignore[arg-type]
            clock=lambda: self.now,
            uniform=lambda low, high: low + (high - low) * jitter,
        )

    def _spawn(self) -> None:
        self.spawned += 1
        self.process.state = ProcessStates.RUNNING
        self.process.laststart = self.now

    def _change_state(self, state: int) -> None:
        before, self.process.state = self.process.state, state
        self.restarts.on_state(events.ProcessStateBackoffEvent(self.process, before))

    def fail(self, after: float) -> float:
        """Let it exit; return the delay until it is started again."""
        self.now += after
        self.restarts.note_end("squid", EXIT_1, b"no cache")
        self.process.state = ProcessStates.EXITED
        self.restarts.on_state(events.ProcessStateExitedEvent(self.process, ProcessStates.RUNNING))
        assert self.restarts.start_again()
        if self.process.state == ProcessStates.RUNNING:
            return 0.0
        delay: float = self.process.delay - self.now
        self.now = self.process.delay
        self._spawn()
        return delay


def test_the_delay_doubles_up_to_a_cap() -> None:
    world = World()
    delays = [world.fail(after=2) for _ in range(10)]
    assert delays == pytest.approx([0, 1, 2, 4, 8, 16, 30, 30, 30, 30])


def test_jitter_only_shortens() -> None:
    world = World(jitter=1.0)
    delays = [world.fail(after=2) for _ in range(8)]
    assert delays[1:] == pytest.approx([0.75 * d for d in (1, 2, 4, 8, 16, 30, 30)])


def test_a_quiet_period_forgives() -> None:
    world = World()
    assert [world.fail(after=2) for _ in range(4)][-1] == pytest.approx(4)
    assert world.restarts.describe("squid").startswith(", failed 4 times")
    world.now += restarts.QUIET_SECONDS
    assert world.restarts.describe("squid") == ""
    assert world.fail(after=1) == 0


def test_it_says_why_and_when() -> None:
    world = World()
    world.fail(after=2)
    assert "squid failed after" in world.log.lines[-1]
    assert "exit status 1; its last line: no cache" in world.log.lines[-1]
    world.fail(after=2)
    assert world.log.lines[-1].endswith("Starting it again in 1.0 s (failure 2)")
    assert world.process.spawnerr.startswith("failed 2 times, next start 00:")


def test_a_clock_that_is_set_back_does_not_stop_restarts_for_ever() -> None:
    """supervisord's own rule for that takes `backoff` for the length of the delay."""
    world = World()
    for _ in range(8):
        world.fail(after=2)
    assert world.process.backoff >= restarts.LONGEST_DELAY_SECONDS


def test_failures_are_counted_in_time_that_passes() -> None:
    """A clock that is set back must not bring failures of hours ago near."""
    world = World()
    world.restarts._monotonic = iter(range(0, 100_000, 3600)).__next__
    for _ in range(5):
        world.now -= 10_000
        world.fail(after=2)
    times = world.restarts.history("squid").times
    assert times[-1] - times[0] == 4 * 3600


def test_what_should_not_run_is_not_started_again() -> None:
    world = World()
    world.process.config.restart_when = False
    world.process.state = ProcessStates.EXITED
    world.restarts.on_state(events.ProcessStateExitedEvent(world.process, ProcessStates.RUNNING))
    assert not world.restarts.start_again()
