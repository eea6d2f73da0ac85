"""What is done when: rounds of faults, drawn from a seed or read from the text that a run prints.

A round is text such as `kill:squid:KILL@0.5+3.2,pg-pause@2.0+12.1`: faults with their arguments,
each with the seconds until it begins, counted from the round's begin, and those until it ends.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

TOGETHER = 0.4  # of the rounds have two faults at once
LONGEST_WAIT_SECONDS = 4.0
LONGEST_SECONDS = 15.0
_TEXT = re.compile(
    r"(?P<name>[a-z-]+)(?P<arguments>(:[^:@,]+)*)@(?P<wait>[\d.]+)\+(?P<lasts>[\d.]+)"
)


class Drawable(Protocol):
    """What a plan needs to know of a fault."""

    @property
    def draw(self) -> Callable[[random.Random], Sequence[str]]: ...

    @property
    def alone(self) -> bool: ...


class Unreadable(Exception):
    """A text that is no round."""


@dataclass(frozen=True)
class Injection:
    """A fault that begins after `wait` seconds of its round, and ends `lasts` seconds later."""

    name: str
    arguments: tuple[str, ...]
    wait: float
    lasts: float

    def __str__(self) -> str:
        return f"{':'.join((self.name, *self.arguments))}@{self.wait:.1f}+{self.lasts:.1f}"


@dataclass(frozen=True)
class Round:
    """Faults that overlap or follow each other; the oracle looks after the last has ended."""

    injections: tuple[Injection, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.injections))


def parse(text: str, known: Mapping[str, object]) -> list[Round]:
    """Read rounds, separated by spaces. Raises Unreadable."""
    return [
        Round(tuple(_injection(part, known) for part in word.split(","))) for word in text.split()
    ]


def draw(seed: int, first: str, faults: Mapping[str, Drawable]) -> Iterator[Round]:
    """Yield rounds for ever: one of `first`, and then of each other fault once before any again."""
    chance = random.Random(seed)
    yield Round((_drawn(first, faults, chance),))
    deck: list[str] = []
    while True:
        if len(deck) < 2:
            deck += chance.sample(sorted(set(faults) - {first}), len(faults) - 1)
        names = [deck.pop(0)]
        if chance.random() < TOGETHER and not any(faults[n].alone for n in (*names, deck[0])):
            names.append(deck.pop(0))
        yield Round(tuple(_drawn(name, faults, chance) for name in names))


def _drawn(name: str, faults: Mapping[str, Drawable], chance: random.Random) -> Injection:
    return Injection(
        name,
        tuple(faults[name].draw(chance)),
        round(chance.uniform(0, LONGEST_WAIT_SECONDS), 1),
        round(chance.uniform(0, LONGEST_SECONDS), 1),
    )


def _injection(text: str, known: Mapping[str, object]) -> Injection:
    found = _TEXT.fullmatch(text)
    if not found or found["name"] not in known:
        raise Unreadable(
            f"cannot read the fault {text!r}: it is NAME:ARGUMENT@WAIT+SECONDS, and NAME one of"
            f" {', '.join(known)}"
        )
    arguments = tuple(found["arguments"].split(":")[1:])
    return Injection(found["name"], arguments, float(found["wait"]), float(found["lasts"]))
