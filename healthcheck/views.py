"""What the monitor tells: a line, a table or JSON in the container, less to everybody else."""

import json
from typing import Any

from healthcheck.check import State, Target
from healthcheck.monitor import Monitor
from healthcheck.verdict import Verdict


def line(monitor: Monitor, verdict: Verdict) -> str:
    """Return a verdict in one line, which says so where MAAS itself is stood in for."""
    return f"{verdict}{monitor.standin}\n"


def table(monitor: Monitor, verdict: Verdict) -> str:
    """Return a verdict and each check's last result, for people."""
    rows = [("check", "result", "took", "age", "")]
    for finding in monitor.findings():
        check, result, failure = finding.check, finding.result, finding.failure
        if result is None:
            rows.append((check.name, "no result yet", "", "", check.proves))
            continue
        word = "ok" if not failure else "degraded" if finding.degrades else "FAILED"
        text = f"{failure}. {check.means}" if failure else check.proves
        took, age = f"{result.seconds * 1000:.0f} ms", f"{finding.age:.0f} s"
        rows.append((check.name, word, took, age, text))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [line(monitor, verdict).rstrip()]
    for name, word, took, age, text in rows:
        columns = f"  {name:<{widths[0]}}  {word:<{widths[1]}}"
        lines.append(f"{columns}  {took:>{widths[2]}}  {age:>{widths[3]}}  {text}".rstrip())
    return "\n".join(lines) + "\n"


def document(monitor: Monitor, verdict: Verdict, target: Target) -> str:
    """Return all that is known as JSON, for scripts. Durations and ages are in seconds."""
    init = monitor.init()
    checks: dict[str, Any] = {}
    for finding in monitor.findings():
        check, result, failure = finding.check, finding.result, finding.failure
        checks[check.name] = {
            "result": "failed" if failure else "passed" if result else None,
            "weight": (State.DEGRADED if finding.degrades else check.weight).value,
            "reason": str(failure) if failure else None,
            "proves": check.proves,
            "means": check.means,
            "seconds": round(result.seconds, 4) if result else None,
            "age": round(finding.age, 1) if result else None,
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
        for finding in monitor.findings():
            failure = finding.failure
            word = "failed" if failure else "ok" if finding.result else "no result yet"
            said = f": {failure.public}" if failure else ""
            lines.append(f"{finding.check.name}: {word}{said}")
    return "\n".join(lines) + "\n"
