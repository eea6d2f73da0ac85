"""Runs a fuzzer's case again and again, for so many cases or seconds, and looks for leaks.

In batches with seeds of their own, as Hypothesis remembers all that it has tried.
"""

import gc
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

import hypothesis
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mutation import pick

T = TypeVar("T")

BATCH = 2000
LEAST_BATCH = 100
# Cases that are made of each of Hypothesis's, which takes longer for one than most cases do.
VARIANTS = 9
# No case is to take so long, on a busy machine either.
CASE_SECONDS = 10.0
DESCRIPTORS = 3
RSS_MB = 48
# What still closes has that long for it.
SETTLE_SECONDS = 5.0


class Hangs(BaseException):
    """A case takes too long. No Exception: what is tested must not catch it."""


@dataclass(frozen=True)
class Limits:
    """How many cases there may be, how many seconds, and from which seed they come.

    It is `quick` in `make test`.
    """

    cases: int
    quick: bool
    seconds: float
    seed: str


class Vitals:
    """Descriptors, memory and dead children of a process, compared with those at the first look.

    `before` each look lets go of what the test itself holds there.
    """

    def __init__(
        self, pid: int, rss_mb: int = RSS_MB, before: Callable[[], None] = lambda: None
    ) -> None:
        self._before = before
        self._proc = Path(f"/proc/{pid}")
        self._rss_mb = rss_mb
        self._first: tuple[int, int] | None = None

    def look(self) -> None:
        self._before()
        if self._first is None:
            time.sleep(0.1)  # it may have to notice that
            self._first = self._descriptors(), self._rss()
        deadline = time.monotonic() + SETTLE_SECONDS
        while (leak := self._leak(*self._first)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not leak, leak

    def _leak(self, descriptors: int, rss: int) -> str:
        if (now := self._descriptors()) > descriptors + DESCRIPTORS:
            return f"{descriptors} descriptors became {now}"
        if (now := self._rss()) > rss + self._rss_mb:
            return f"{rss} MB became {now} MB"
        children = (self._proc / f"task/{self._proc.name}/children").read_text().split()
        return "a zombie is left" if any(map(_is_zombie, children)) else ""

    def _descriptors(self) -> int:
        return len(os.listdir(self._proc / "fd"))

    def _rss(self) -> int:
        status = (self._proc / "status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024


def _is_zombie(pid: str) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


class Fuzzer:
    """Fuzzes one thing."""

    def __init__(self, name: str, limits: Limits, told: Callable[[str], None]) -> None:
        self._name = name
        self._limits = limits
        self._told = told

    def run(
        self,
        case: Callable[[T], None],
        strategy: SearchStrategy[T],
        kept: tuple[T, ...] = (),
        vary: Callable[[T, random.Random], T] | None = None,
        vitals: Vitals | None = None,
        slow: int = 1,
    ) -> None:
        """Run the cases that once failed, then others.

        `vary` makes another case of one. `vitals` are those of another process; this one's are
        looked at in any case. Where a case is so many times as slow as others, `make test` has
        fewer.
        """
        cases = self._limits.cases // (slow if self._limits.quick else 1)
        size = min(BATCH, max(cases // 5, LEAST_BATCH))
        all_vitals = [*filter(None, (vitals,)), Vitals(os.getpid(), 4 * RSS_MB)]
        begun = time.monotonic()
        done = batch = 0
        failed = False

        def over() -> bool:
            return not failed and time.monotonic() - begun > self._limits.seconds

        def one(value: T) -> None:
            nonlocal done, failed
            if over():
                return
            done += 1
            try:
                with _watched(value):
                    case(value)
            except BaseException:
                failed = True  # Hypothesis tries it again, and smaller ones
                raise

        def several(value: T, variants: int) -> None:
            one(value)
            chance = random.Random(variants)
            for _ in range(VARIANTS if vary else 0):
                variant = vary(value, chance)  # type: ignore[misc]
                try:
                    one(variant)
                except Exception:
                    hypothesis.note(f"the case made of it: {variant!r}")
                    raise

        profile = hypothesis.settings.get_profile("fuzz")
        made_of_one = VARIANTS + 1 if vary else 1
        begin = strategy | pick(kept) if kept and vary else strategy
        try:
            for value in kept:
                one(value)
            while done < cases and not over():
                seed = random.Random(f"{self._limits.seed} {self._name} {batch}").getrandbits(64)
                examples = -(-min(size, cases - done) // made_of_one)
                bounded = hypothesis.settings(profile, max_examples=examples)
                test = hypothesis.given(begin, st.integers(0, 2**32))(several)
                hypothesis.seed(seed)(bounded(test))()
                batch += 1
                gc.collect()
                for each in all_vitals:
                    each.look()
        finally:
            seconds = time.monotonic() - begun
            self._told(
                f"{self._name}: {done} cases in {seconds:.0f} s, {done / seconds:.0f} a second,"
                f" seed {self._limits.seed}"
            )


@contextmanager
def _watched(value: object) -> Iterator[None]:
    def hang(_number: int, _frame: FrameType | None) -> None:
        raise Hangs(f"no end within {CASE_SECONDS:.0f} s: {value!r}")

    signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, CASE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
