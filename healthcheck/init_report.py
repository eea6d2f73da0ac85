"""What init says of itself in /run/maas/init.json."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from healthcheck.foreign import WRONG_SHAPE, text

_FIGURES = re.compile(r"(\d{1,9}) of (\d{1,9})")
_STATES = ("running", "done", "failed")


@dataclass(frozen=True)
class Step:
    """A step of init: `state` is "running", "done" or "failed"; `seconds` None while it runs."""

    name: str
    state: str
    seconds: float | None


@dataclass(frozen=True)
class InitReport:
    """How far init is: `state` is "running", "done" or "failed"; `doing` is for people.

    `progress` is "N of M" where the step under way counts; `finished` a Unix time, 0 before.
    """

    state: str
    doing: str
    maas_version: str = ""
    database_version: str = ""
    steps: tuple[Step, ...] = ()
    progress: str = ""
    finished: float = 0

    @property
    def source(self) -> str:
        """Where MAAS comes from; the version of a stand-in's packages ends in "+standin"."""
        return "standin" if self.maas_version.endswith("+standin") else "package"

    @property
    def public(self) -> str:
        """What it is doing, or where it failed, without the words, which hold addresses."""
        step = self.steps[-1].name if self.steps else ""
        if self.state == "failed":
            where = f"failed in its step {step}" if step else "failed"
            return f"init {where} (docker compose logs maas)"
        return ": ".join(filter(None, (step, self.progress))) or "beginning"

    @property
    def ratio(self) -> float:
        """How much of the step under way is done, where it counts; 1 when all is done."""
        if self.state == "done":
            return 1.0
        done, whole = map(int, _FIGURES.findall(self.progress)[0]) if self.progress else (0, 1)
        return min(done / whole, 1.0) if whole else 0.0

    @property
    def migration(self) -> str:
        """How the database stands: "unknown", "migrating", "current" or "failed"."""
        if self.state == "done":
            return "current"
        for step in self.steps:
            if step.name == "migrate":
                return {"running": "migrating", "failed": "failed"}.get(step.state, "current")
        return "unknown"


def read(path: Path) -> InitReport:
    """Read the report; what cannot be read counts as running, for init is about to write it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        steps = document["steps"]
        doing = text(document.get("error") or "beginning")
        progress = ""
        if document["state"] not in _STATES:
            raise ValueError("init is in no such state")
        if steps and document["state"] == "running":
            said = text(steps[-1].get("progress") or "")
            doing = ": ".join(filter(None, (text(steps[-1]["name"]), said)))
            progress = found[0] if (found := _FIGURES.search(said)) else ""
        return InitReport(
            state=document["state"],
            doing=doing,
            maas_version=text(document["versions"].get("maas", "")),
            database_version=text(document["versions"].get("postgresql", "")),
            steps=tuple(map(_step, steps)),
            progress=progress,
            finished=float(document.get("finished", 0)),
        )
    except (OSError, *WRONG_SHAPE):
        return InitReport("running", "beginning")


def _step(entry: dict[str, Any]) -> Step:
    seconds = entry.get("seconds")
    return Step(
        text(entry["name"]),
        text(entry["state"]),
        None if seconds is None else float(seconds),
    )
