"""Changes and tasks in the shape of Pebble's JSON."""

from datetime import datetime, timezone
from typing import Any

from supervisord.pebble.changes import Change, Task


def document_of(change: Change) -> dict[str, Any]:
    """Return what Pebble's API says of a change."""
    document: dict[str, Any] = {
        "id": change.id,
        "kind": change.action,
        "summary": change.summary,
        "status": change.status,
        "tasks": [_task(task) for task in change.tasks],
        "ready": change.ready,
        **_times(change),
    }
    if change.ready and change.error:
        document["err"] = change.error
    return document


def _task(task: Task) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": task.id,
        "kind": task.kind,
        "summary": task.summary,
        "status": task.status,
        "progress": {"label": "", "done": int(task.ready), "total": 1},
        **_times(task),
    }
    if task.error:
        document["log"] = [f"{_rfc3339(task.ready_time or 0)} ERROR {task.error}"]
    return document


def _times(item: Change | Task) -> dict[str, str]:
    times = {"spawn-time": _rfc3339(item.spawn_time)}
    if item.ready_time is not None:
        times["ready-time"] = _rfc3339(item.ready_time)
    return times


def _rfc3339(when: float) -> str:
    return datetime.fromtimestamp(when, timezone.utc).isoformat().replace("+00:00", "Z")
