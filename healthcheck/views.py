"""What the monitor tells: a line, a table or JSON in the container, less to everybody else."""

import json
import time
from typing import Any

from healthcheck.check import State, Target
from healthcheck.monitor import Monitor
from healthcheck.verdict import Verdict, failure_of


def line(monitor: Monitor, verdict: Verdict) -> str:
    """Return a verdict in one line, which says so where MAAS itself is stood in for."""
    return f"{verdict}{monitor.standin}\n"


def table(monitor: Monitor, verdict: Verdict) -> str:
    """Return a verdict and each check's last result, for people."""
    now = time.monotonic()
    rows = [("check", "result", "took", "age", "")]
    for check in monitor.checks:
        result = monitor.results.get(check.name)
        if result is None:
            rows.append((check.name, "no result yet", "", "", check.proves))
            continue
        failure = failure_of(check, result, now)
        degrades = failure and (failure.degrades or check.weight is State.DEGRADED)
        word = "ok" if not failure else "degraded" if degrades else "FAILED"
        text = f"{failure}. {check.means}" if failure else check.proves
        took, age = f"{result.seconds * 1000:.0f} ms", f"{now - result.at:.0f} s"
        rows.append((check.name, word, took, age, text))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [line(monitor, verdict).rstrip()]
    for name, word, took, age, text in rows:
        columns = f"  {name:<{widths[0]}}  {word:<{widths[1]}}"
        lines.append(f"{columns}  {took:>{widths[2]}}  {age:>{widths[3]}}  {text}".rstrip())
    return "\n".join(lines) + "\n"


def document(monitor: Monitor, verdict: Verdict, target: Target) -> str:
    """Return all that is known as JSON, for scripts. Durations and ages are in seconds."""
    now = time.monotonic()
    init = monitor.init()
    checks: dict[str, Any] = {}
    for check in monitor.checks:
        result = monitor.results.get(check.name)
        failure = failure_of(check, result, now) if result else None
        checks[check.name] = {
            "result": "failed" if failure else "passed" if result else None,
            "weight": State.DEGRADED.value if failure and failure.degrades else check.weight.value,
            "reason": str(failure) if failure else None,
            "proves": check.proves,
            "means": check.means,
            "seconds": round(result.seconds, 4) if result else None,
            "age": round(now - result.at, 1) if result else None,
        }
    programs = {
        program.name: {
            "state": program.state,
            "wanted": program.wanted,
            "start_time": program.start_time,
            "restarts": program.restarts,
            "description": program.description,
        }
        for program in target.programs.latest
    }
    whole = {
        "state": verdict.state.value,
        "healthy": verdict.good,
        "reasons": [reason.text for reason in verdict.reasons],
        "init": {"state": init.state, "doing": init.doing},
        "maas": {"version": init.maas_version, "source": init.source},
        "checks": checks,
        "programs": programs,
    }
    return json.dumps(whole, indent=1) + "\n"


def public(problem: str | None, monitor: Monitor, verbose: bool) -> str:
    """Return what an endpoint answers: "ok" or the problem, and on request each check's result."""
    lines = [problem or "ok"]
    if verbose:
        now = time.monotonic()
        for check in monitor.checks:
            result = monitor.results.get(check.name)
            failure = failure_of(check, result, now) if result else None
            word = "failed" if failure else "ok" if result else "no result yet"
            lines.append(f"{check.name}: {word}" + (f": {failure.public}" if failure else ""))
    return "\n".join(lines) + "\n"
