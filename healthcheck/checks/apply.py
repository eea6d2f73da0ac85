"""Check: MAAS's own settings are as declared."""

import json
from collections.abc import Awaitable, Callable

from healthcheck.check import Check, Failure, Target


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    path = target.run / "apply.json"

    async def run() -> Failure | None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            entries = dict(document["settings"])
            refused = [name for name, entry in entries.items() if entry["result"] == "refused"]
            state, error = document["state"], document.get("error", "")
        except FileNotFoundError:  # it waits for the API, which has a check of its own
            return None
        except (OSError, ValueError, KeyError, TypeError) as unreadable:
            return Failure(f"cannot read {path}: {unreadable!r}", degrades=True)
        if state == "failed":
            return Failure(f"maas-init apply failed: {error}", degrades=True)
        if refused:
            return Failure(
                f"MAAS refuses {', '.join(refused)}: docker compose exec maas maas-init apply"
                " says why",
                degrades=True,
            )
        return None

    return run


CHECK = Check(
    name="apply",
    proves="MAAS's own settings are as declared",
    period=10.0,
    timeout=5.0,
    make=_make,
)
