"""The Pebble client of MAAS's service monitor: exactly its requests (maas-region-run.md 1.1).

HTTP/1.1 on a unix socket, one connection per request, no time-out on a request, 10 s on an
asynchronous change, any status but 2xx is a failure.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from typing import Any

CHANGE_LIMIT = 10.0
CHANGE_POLL = 1.0
STATES = ("active", "inactive", "backoff", "error")


class ServiceError(Exception):
    """A service could not be asked about, started, stopped or signalled."""


class Unreachable(ServiceError):
    """There is nobody to ask: no socket, no sudo."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Pebble:
    """Services by their Pebble names, over one socket."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path

    @classmethod
    def from_environment(cls) -> Pebble | None:
        """The client when `PEBBLE` is set to anything (maas-versions.md 1.7)."""
        directory = os.environ.get("PEBBLE")
        if not directory:
            return None
        return cls(os.environ.get("PEBBLE_SOCKET") or f"{directory}/.pebble.socket")

    def state(self, name: str) -> str:
        result = self._request("GET", f"/v1/services?names={name}").get("result") or []
        try:
            state = next(row["current"] for row in result if row["name"] == name)
        except (TypeError, KeyError, StopIteration):
            raise ServiceError(f"Unable to parse the state of {name} from {result!r}") from None
        if state not in STATES:
            raise ServiceError(f"Unable to parse the state of {name}: {state!r}")
        return state

    def act(self, action: str, name: str) -> None:
        """start, stop or restart; returns when the change is done."""
        body = {"action": action, "services": [name]}
        answer = self._request("POST", "/v1/services", body)
        if answer.get("type") == "async":
            self._wait(str(answer["change"]), action, name)

    def hang_up(self, name: str) -> None:
        self._request("POST", "/v1/signals", {"signal": "SIGHUP", "services": [name]})

    def _wait(self, change: str, action: str, name: str) -> None:
        deadline = time.monotonic() + CHANGE_LIMIT
        while True:
            result = self._request("GET", f"/v1/changes/{change}").get("result") or {}
            if result.get("ready"):
                break
            if time.monotonic() + CHANGE_POLL > deadline:
                raise ServiceError(f"{action} {name}: change {change} not ready in 10 s")
            time.sleep(CHANGE_POLL)
        if result.get("status") in ("Error", "Hold", "Undone") or result.get("err"):
            raise ServiceError(f"{action} {name}: {result.get('status')}: {result.get('err')}")

    def _request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = _UnixConnection(self.socket_path)
        try:
            payload = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"} if payload else {}
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as failure:
            raise Unreachable(f"Pebble at {self.socket_path}: {failure}") from failure
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            text = raw.decode(errors="replace")
            raise ServiceError(f"Pebble {method} {path}: {response.status} {text}")
        try:
            return json.loads(raw)
        except ValueError as failure:
            raise ServiceError(f"Pebble {method} {path}: no JSON: {raw!r}") from failure
