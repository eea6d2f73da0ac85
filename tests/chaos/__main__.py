"""`make chaos`: random faults on a stack of its own, and an oracle that looks after each."""

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterable

from engine import VERSIONS, build

from chaos import plan
from chaos.faults import FAULTS, FIRST
from chaos.injection import Failed, inject
from chaos.oracle import Oracle, Wrong
from chaos.plan import Round
from chaos.stack import Stack


def main() -> int:
    """Return 0 when all was well after each round, else 1."""
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("--duration", type=int, default=600, help="seconds (600)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--faults", default="", help="these rounds, as an earlier run has printed")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        rounds: Iterable[Round] = plan.parse(arguments.faults, FAULTS)
    except plan.Unreadable as error:
        parser.error(str(error))
    seconds = float("inf")
    if not rounds:
        rounds, seconds = plan.draw(arguments.seed, FIRST, FAULTS), arguments.duration
        say(f"SEED={arguments.seed}, rounds for {seconds} s")
    for version in VERSIONS:
        build(version)
    stack = Stack()
    oracle = Oracle(stack)
    try:
        return run(stack, oracle, rounds, seconds)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        oracle.close()
        stack.remove()


def run(stack: Stack, oracle: Oracle, rounds: Iterable[Round], seconds: float) -> int:
    """Make each round, as long as there is time for one; stop at the first that does harm."""
    begun = time.monotonic()
    done: list[Round] = []
    for each in rounds:
        if time.monotonic() - begun > seconds:
            break
        done.append(each)
        try:
            if len(done) == 1 and each.injections[0].name != FIRST:
                stack.create()
                oracle.wait_until_healthy()
                oracle.remember()
            inject(stack, each)
            recovered = oracle.wait_until_healthy()
            oracle.check()
            oracle.remember()
        # the latter two: a question that was not answered, though all had seemed well
        except (Failed, Wrong, AssertionError, OSError) as wrong:
            say(f"round {len(done)}: {each}: {wrong}")
            tell_how_to_repeat(done)
            return 1
        say(f"round {len(done)}: {each}: healthy after {recovered:.0f} s")
    say(
        f"{len(done)} rounds, {len(oracle.users.accepted)} users made meanwhile, MAAS's containers"
        f" ended with {', '.join(sorted(oracle.exit_statuses))}: all is well"
    )
    return 0


def tell_how_to_repeat(done: list[Round]) -> None:
    """Print the last round, which met a stack that was well, and all that were before it."""
    say(f"the last round alone: make chaos FAULTS='{done[-1]}'")
    say(f"all of them: make chaos FAULTS='{' '.join(map(str, done))}'")


def say(text: str) -> None:
    """Print a line with the time."""
    print(f"chaos: {time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
