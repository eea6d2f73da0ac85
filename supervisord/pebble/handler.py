"""HTTP resources of the Pebble API, served by supervisord's own HTTP servers."""

import json
import re
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from supervisor.medusa.xmlrpc_handler import collector
from supervisor.options import VERSION

from supervisord.log.container_log import ContainerLog
from supervisord.pebble.changes import Change
from supervisord.pebble.documents import document_of
from supervisord.pebble.services import Refused, Services

BODY_LIMIT_BYTES = 64 * 1024
LONGEST_LENGTH = 20  # of a Content-Length, in digits: int() refuses thousands of them
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_SELECT: dict[str, Callable[[Change], bool]] = {
    "all": lambda change: True,
    "in-progress": lambda change: not change.ready,
    "ready": lambda change: change.ready,
}
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)"
# Nothing in it can be read in two ways: a long one that is none must not keep PID 1 busy.
_DURATION = re.compile(f"(?:{_PART})+")


class Problem(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Waiting:
    """A request that is answered when its change is ready, or too late."""

    request: Any
    change: Change
    deadline: float  # monotonic
    timeout: str


class PebbleHandler:
    """A handler for supervisord's medusa server: everything below /v1/.

    `healthy` says whether the named programs, or all that count, are as they should be.
    """

    IDENT = "Pebble API"

    def __init__(
        self,
        services: Services,
        healthy: Callable[[list[str]], bool],
        poke: Callable[[], None],
        log: ContainerLog,
    ) -> None:
        self._log = log
        self._services = services
        self._healthy = healthy
        self._poke = poke
        self._waiting: list[Waiting] = []

    def match(self, request: Any) -> bool:
        """Take requests for paths below /v1/."""
        return bool(request.uri.startswith("/v1/"))

    def handle_request(self, request: Any) -> None:
        """Answer a GET, or collect the body of a POST."""
        answer = self._collect_body if request.command == "POST" else self._answer_now
        self._answer_with(answer, request)

    def continue_request(self, data: str, request: Any) -> None:
        """Answer a POST whose body has been collected."""
        self._answer_with(self._answer_now, request, data)

    def answer_waiting(self) -> None:
        """Answer those whose change is ready, or whose time is over."""
        now = time.monotonic()
        still = []
        for waiting in self._waiting:
            if waiting.request.channel.closed:
                continue
            if waiting.change.ready:
                self._answer(waiting.request, 200, document_of(waiting.change))
            elif now >= waiting.deadline:
                message = f"timed out waiting for change after {waiting.timeout}"
                self._refuse(waiting.request, Problem(504, message))
            else:
                still.append(waiting)
        self._waiting = still

    def _method(self, request: Any) -> Callable[..., None]:
        """Return what answers a request."""
        try:
            path = request.split_uri()[0].rstrip("/")
        except ValueError:  # such as a line break in it
            raise Problem(400, "cannot parse URI") from None
        methods: dict[str, Callable[..., None]]
        if re.fullmatch("/v1/changes/[^/]+", path):
            methods = {"GET": self._get_change}
        elif re.fullmatch("/v1/changes/[^/]+/wait", path):
            methods = {"GET": self._wait_change}
        else:
            collections: dict[str, dict[str, Callable[..., None]]] = {
                "/v1/system-info": {"GET": self._get_system_info},
                "/v1/health": {"GET": self._get_health},
                "/v1/services": {"GET": self._get_services, "POST": self._post_services},
                "/v1/signals": {"POST": self._post_signals},
                "/v1/changes": {"GET": self._get_changes},
            }
            methods = collections.get(path, {})
        if not methods:
            raise Problem(404, "invalid API endpoint requested")
        if request.command not in methods:
            raise Problem(405, f'method "{request.command}" not allowed')
        return methods[request.command]

    def _answer_with(self, method: Callable[..., None], request: Any, *data: str) -> None:
        try:
            method(request, *data)
        except Problem as problem:
            self._refuse(request, problem)
        except Exception:
            self._log.say("ERROR", f"cannot answer {request.request}:\n{traceback.format_exc()}")
            self._refuse(request, Problem(500, "internal error"))

    def _answer_now(self, request: Any, *data: str) -> None:
        self._method(request)(request, *data)

    def _collect_body(self, request: Any) -> None:
        self._method(request)
        length = request.get_header("content-length") or ""
        if not length.isdecimal():
            raise Problem(411, "length required")
        if len(length) > LONGEST_LENGTH or int(length) > BODY_LIMIT_BYTES:
            request["Connection"] = "close"  # what follows is not read
            raise Problem(413, "request body too large")
        if int(length) == 0:
            self.continue_request("", request)
        else:
            request.collector = collector(self, request)

    def _get_system_info(self, request: Any) -> None:
        boot_id = BOOT_ID.read_text().strip()
        self._answer(request, 200, {"version": VERSION, "boot-id": boot_id})

    def _get_health(self, request: Any) -> None:
        query = _query(request)
        level = query.get("level", [""])[0]
        if level not in ("", "alive", "ready"):
            raise Problem(400, 'level must be "alive" or "ready"')
        healthy = level == "alive" or self._healthy(_names(query))  # it answers: alive
        self._answer(request, 200 if healthy else 502, {"healthy": healthy})

    def _get_services(self, request: Any) -> None:
        wanted = _names(_query(request))
        self._answer(
            request,
            200,
            [
                {
                    "name": name,
                    "startup": "enabled" if self._services.starts_by_itself(name) else "disabled",
                    "current": self._services.current(name),
                }
                for name in sorted(self._services.names())
                if not wanted or name in wanted
            ],
        )

    def _get_changes(self, request: Any) -> None:
        query = _query(request)
        select = _SELECT.get(query.get("select", ["in-progress"])[0])
        if select is None:
            raise Problem(400, "select should be one of: all,in-progress,ready")
        service = query.get("for", [""])[0]
        changes = [
            document_of(change)
            for change in self._services.changes()
            if select(change) and (not service or service in change.services)
        ]
        self._answer(request, 200, changes)

    def _get_change(self, request: Any) -> None:
        self._answer(request, 200, document_of(self._find_change(request)))

    def _wait_change(self, request: Any) -> None:
        change = self._find_change(request)
        timeout = _query(request).get("timeout", [""])[0]
        seconds = _seconds(timeout) if timeout else float("inf")
        self._waiting.append(Waiting(request, change, time.monotonic() + seconds, timeout))
        self._poke()

    def _find_change(self, request: Any) -> Change:
        change_id = request.split_uri()[0].split("/")[3]
        change = self._services.change(change_id)
        if change is None:
            raise Problem(404, f'cannot find change with id "{change_id}"')
        return change

    def _post_services(self, request: Any, data: str) -> None:
        payload = _payload(data, "cannot decode data from request body")
        try:
            change = self._services.request(str(payload.get("action", "")), payload["services"])
        except Refused as refusal:
            raise Problem(400, str(refusal)) from None
        self._poke()
        self._answer(request, 202, None, "async", change.id)

    def _post_signals(self, request: Any, data: str) -> None:
        payload = _payload(data, "cannot decode request body")
        name = str(payload.get("signal", ""))
        if not payload["services"]:
            raise Problem(400, "must specify one or more services")
        number = signal.Signals.__members__.get(name)
        if number is None:
            first = payload["services"][0]
            raise Problem(500, f'cannot send signal to "{first}": invalid signal name "{name}"')
        try:
            self._services.signal(number, payload["services"])
        except Refused as refusal:
            raise Problem(500, str(refusal)) from None
        self._poke()
        self._answer(request, 200, True)

    def _refuse(self, request: Any, problem: Problem) -> None:
        self._answer(request, problem.status, {"message": str(problem)}, "error")

    def _answer(
        self, request: Any, status: int, result: Any, kind: str = "sync", change_id: str = ""
    ) -> None:
        document: dict[str, Any] = {"type": kind, "status-code": status}
        document["status"] = request.responses.get(status, "")
        if change_id:
            document["change"] = change_id
        document["result"] = result
        body = json.dumps(document).encode()
        request.reply_code = status
        request["Content-Type"] = "application/json"
        request["Content-Length"] = str(len(body))
        request.push(body)
        request.done()


def _payload(data: str, problem: str) -> dict[str, Any]:
    """Return a body's object, with `services` as a list of names. Raises Problem."""
    try:
        payload = json.loads(data)
        names = payload.setdefault("services", []) or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("services must be a list of strings")
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise Problem(400, f"{problem}: {error}") from None
    return {**payload, "services": names}


def _query(request: Any) -> dict[str, list[str]]:
    return parse_qs((request.split_uri()[2] or "?")[1:])


def _names(query: dict[str, list[str]]) -> list[str]:
    return [name for names in query.get("names", []) for name in names.split(",") if name]


def _seconds(duration: str) -> float:
    """Return the seconds of a duration as Go writes it, such as `4.500s` or `1m30s`."""
    if not _DURATION.fullmatch(duration):
        raise Problem(400, f'invalid timeout: time: invalid duration "{duration}"')
    parts = re.findall(_PART, duration)
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
