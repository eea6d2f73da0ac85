"""The status page: what everybody may know, for people, without scripts and outside resources."""

import os
import time
from typing import Any

import jinja2

from healthcheck.check import Target
from healthcheck.init_report import Step
from healthcheck.monitor import Monitor
from healthcheck.supervisor_client import Program
from healthcheck.verdict import Verdict

_CLASSES = {"RUNNING": "ok", "BACKOFF": "failed", "FATAL": "failed", "UNKNOWN": "failed"}
_STEP_CLASSES = {"done": "ok", "failed": "failed", "running": "waiting"}


class StatusPage:
    """Renders the page."""

    def __init__(self, monitor: Monitor, target: Target) -> None:
        self._monitor = monitor
        self._target = target
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("healthcheck"), autoescape=True, trim_blocks=True
        )
        self._template = environment.get_template("status.html.j2")

    def render(self, verdict: Verdict) -> bytes:
        """Return the page as it is now."""
        init = self._monitor.init()
        return self._template.render(
            state=verdict.state.value,
            reasons=[reason.public for reason in verdict.reasons],
            standin=init.source == "standin",
            checks=self._checks(),
            programs=[_program(program) for program in self._target.programs.latest],
            init={"state": init.state, "steps": [_step(step) for step in init.steps]},
            versions=(
                ("MAAS", init.maas_version or "not known yet"),
                ("PostgreSQL", init.database_version.partition(" ")[0] or "not known yet"),
                ("image", os.environ.get("IMAGE_REVISION", "")[:12] or "unknown"),
            ),
            now=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        ).encode()

    def _checks(self) -> list[dict[str, Any]]:
        return [
            {
                "name": finding.check.name,
                "result": "failed" if finding.failure else "ok" if finding.result else "waiting",
                "age": f"{finding.age:.0f} s" if finding.result else "",
                "reason": finding.failure.public if finding.failure else "",
                "proves": finding.check.proves,
                "means": finding.check.means,
            }
            for finding in self._monitor.findings()
        ]


def _program(program: Program) -> dict[str, Any]:
    ended_well = program.state == "EXITED" and program.exit_status == 0
    class_ = _CLASSES.get(program.state, "" if ended_well or not program.wanted else "waiting")
    if program.state == "EXITED" and not ended_well:
        class_ = "failed"
    up = program.state in ("RUNNING", "STOPPING")
    return {
        "name": program.name,
        "state": program.state.lower(),
        "class_": class_,
        "uptime": duration(time.time() - program.start_time) if up else "",
        "restarts": program.restarts,
    }


def _step(step: Step) -> dict[str, str]:
    return {
        "name": step.name,
        "state": step.state,
        "class_": _STEP_CLASSES.get(step.state, ""),
        "took": "" if step.seconds is None else f"{step.seconds:.1f} s",
    }


def duration(seconds: float) -> str:
    """Return a duration for people: "12 s", "5 min", "3 h", "4 days"."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
