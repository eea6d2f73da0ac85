"""What init says of itself in /run/maas/init.json."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class InitReport:
    """How far init is: `state` is "running", "done" or "failed"; `doing` is for people."""

    state: str
    doing: str
    maas_version: str = ""

    @property
    def source(self) -> str:
        """Where MAAS comes from; the version of a stand-in's packages ends in "+standin"."""
        return "standin" if self.maas_version.endswith("+standin") else "package"


def read(path: Path) -> InitReport:
    """Read the report; what cannot be read counts as running, for init is about to write it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        steps = document["steps"]
        doing = document.get("error") or "beginning"
        if steps and document["state"] == "running":
            doing = ": ".join(filter(None, (steps[-1]["name"], steps[-1].get("progress"))))
        return InitReport(document["state"], doing, document["versions"].get("maas", ""))
    except (OSError, ValueError, KeyError, TypeError):
        return InitReport("running", "beginning")
