"""What chaos does when: the same for the same seed, and as text that can be read again."""

from itertools import islice

import pytest
from chaos import plan
from chaos.faults import FAULTS, FIRST


def rounds(seed: int, count: int = 60) -> list[plan.Round]:
    return list(islice(plan.draw(seed, FIRST, FAULTS), count))


def test_a_seed_gives_the_same_rounds_again() -> None:
    assert rounds(7) == rounds(7)
    assert rounds(7) != rounds(8)


def test_what_is_printed_can_be_read() -> None:
    some = rounds(7)
    assert plan.parse(" ".join(map(str, some)), FAULTS) == some
    assert plan.parse("", FAULTS) == []


def test_each_fault_comes_before_any_comes_again() -> None:
    names = [each.name for round in rounds(7) for each in round.injections]
    assert names[0] == FIRST
    others = len(FAULTS) - 1
    assert set(names[1 : others + 1]) == set(FAULTS) - {FIRST}


def test_a_fault_that_is_alone_has_no_other_beside_it() -> None:
    for round in rounds(7, 300):
        if len(round.injections) > 1:
            assert not any(FAULTS[each.name].alone for each in round.injections)


@pytest.mark.parametrize("text", ["kill", "kill@1", "kill@a+2", "nonsense@1+2", "kill@1+2,"])
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(plan.Unreadable, match="cannot read the fault"):
        plan.parse(text, FAULTS)
