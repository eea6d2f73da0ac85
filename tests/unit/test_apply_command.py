"""`maas-init apply`: how long it is patient."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

import settings
from maas_init.commands import apply
from maas_init.errors import ConfigurationUnusable
from maas_init.paths import Paths
from maas_init.region_api import Refused, Unreachable

SETTINGS = settings.load({"MAAS_URL": "http://192.0.2.10:5240/MAAS", "POSTGRES_PASSWORD": "x"})


class Region:
    """MAAS's API, which answers after so many attempts, or never."""

    def __init__(self, works: bool, answers_after: int) -> None:
        self._works = works
        self._left = answers_after
        self.asked = 0

    def works(self) -> bool:
        return self._works

    def ask(self) -> str:
        self.asked += 1
        if self.asked <= self._left:
            raise Unreachable("timed out")
        return "answer"


def patiently(region: Region, delays: list[float]) -> str:
    nothing: Any = None
    work = apply._Apply(SETTINGS, nothing, nothing, delays.append)
    api: Any = region
    return work._patiently(region.ask, api)


def test_while_the_api_is_away_it_waits_with_a_capped_delay() -> None:
    delays: list[float] = []
    assert patiently(Region(works=False, answers_after=20), delays) == "answer"
    assert delays[:3] == [0.5, 1, 2]
    assert max(delays) == apply.LONGEST_DELAY_SECONDS
    assert len(delays) == 20


def test_what_gets_no_answer_while_the_api_works_is_refused() -> None:
    region = Region(works=True, answers_after=20)
    with pytest.raises(Refused, match="no answer that can be used: timed out"):
        patiently(region, [])
    assert region.asked == apply.MOST_ERRORS


def test_now_and_then_no_answer_is_no_refusal() -> None:
    assert patiently(Region(works=True, answers_after=2), []) == "answer"


def test_where_maas_does_not_run_it_says_where_to_go(tmp_path: Path) -> None:
    absent = tmp_path / "run"
    fields = {field.name: tmp_path for field in dataclasses.fields(Paths)} | {"run": absent}
    with pytest.raises(ConfigurationUnusable, match="docker compose exec maas maas-init apply"):
        apply.run(SETTINGS, Paths(**fields))
    assert os.listdir(tmp_path) == []
