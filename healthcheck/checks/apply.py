"""Check: MAAS's own settings are as declared."""

import json
import time

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.foreign import WRONG_SHAPE
from healthcheck.metrics import INIT_STATES

RESULTS = ("unchanged", "set", "refused")
MEND = "docker compose exec maas maas-init apply says why"


def _make(target: Target) -> Run:
    path = target.run / "apply.json"

    async def run() -> Failure | None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            results = {name: entry["result"] for name, entry in document["settings"].items()}
            state, error = document["state"], document.get("error", "")
            seconds = float(document.get("finished", time.time())) - float(document["started"])
        except FileNotFoundError:  # it waits for the API, which has a check of its own
            return None
        except (OSError, *WRONG_SHAPE) as unreadable:
            return Failure("maas-init apply left a report that cannot be read", repr(unreadable))
        target.readings["maas_apply_duration_seconds"] = seconds
        target.readings["maas_apply_state"] = {
            possible: float(state == possible) for possible in INIT_STATES
        }
        outcomes = list(results.values())
        target.readings["maas_apply_settings"] = {
            result: float(outcomes.count(result)) for result in RESULTS
        }
        if state == "failed":
            return Failure("maas-init apply failed", str(error), MEND)
        refused = [name for name, result in results.items() if result == "refused"]
        return Failure(f"MAAS refuses {', '.join(refused)}", mend=MEND) if refused else None

    return run


CHECK = Check(
    name="apply",
    proves="MAAS's own settings are as declared",
    means="a setting that you declared is not in effect; MAAS serves with its own",
    weight=State.DEGRADED,
    period=10.0,
    timeout=5.0,
    make=_make,
)
