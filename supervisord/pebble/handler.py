"""HTTP resources of the Pebble API, served by supervisord's own HTTP servers."""

import json
import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from supervisor.medusa.xmlrpc_handler import collector

from supervisord.pebble.services import Change, Refused, Services

BODY_LIMIT_BYTES = 64 * 1024


class PebbleHandler:
    """A handler for supervisord's medusa server: everything below /v1/."""

    IDENT = "Pebble API"

    def __init__(self, services: Services, poke: Callable[[], None]) -> None:
        self._services = services
        self._poke = poke

    def match(self, request: Any) -> bool:
        """Take requests for paths below /v1/."""
        return bool(request.uri.startswith("/v1/"))

    def handle_request(self, request: Any) -> None:
        """Answer a GET, or collect the body of a POST."""
        if request.command == "GET":
            self._answer(request, *self._get(request))
        elif request.command != "POST":
            self._answer(request, 405, f"method {request.command} not allowed")
        elif not (request.get_header("content-length") or "").isdecimal():
            self._answer(request, 411, "length required")
        elif int(request.get_header("content-length")) > BODY_LIMIT_BYTES:
            self._answer(request, 413, "request body too large")
        elif int(request.get_header("content-length")) == 0:
            self.continue_request("", request)
        else:
            request.collector = collector(self, request)

    def continue_request(self, data: str, request: Any) -> None:
        """Answer a POST whose body has been collected."""
        self._answer(request, *self._post(request, data))

    def _get(self, request: Any) -> tuple[int, Any]:
        path, _, query, _ = request.split_uri()
        if path == "/v1/services":
            wanted = [
                name
                for names in parse_qs((query or "?")[1:]).get("names", [])
                for name in names.split(",")
            ]
            return 200, [
                {
                    "name": name,
                    "startup": "disabled",  # MAAS starts them, and does not read this
                    "current": self._services.current(name),
                }
                for name in self._services.names()
                if not wanted or name in wanted
            ]
        if path.startswith("/v1/changes/"):
            change_id = path.removeprefix("/v1/changes/")
            change = self._services.change(change_id)
            if change is None:
                return 404, f'cannot find change with id "{change_id}"'
            return 200, _change(change)
        return 404, "Not Found"

    def _post(self, request: Any, data: str) -> tuple[int, Any]:
        try:
            payload = json.loads(data)
            names = payload["services"]
            if not all(isinstance(name, str) for name in names):
                raise TypeError("services must be strings")
            path = request.split_uri()[0]
            if path == "/v1/services":
                change = self._services.request(str(payload["action"]), list(names))
                self._poke()
                return 202, change
            if path == "/v1/signals":
                number = signal.Signals[str(payload["signal"])]
                self._services.signal(number, list(names))
                self._poke()
                return 200, True
        except Refused as refusal:
            return 400, str(refusal)
        except (ValueError, KeyError, TypeError) as error:
            return 400, f"cannot decode request body: {error!r}"
        return 404, "Not Found"

    def _answer(self, request: Any, status: int, result: Any) -> None:
        document: dict[str, Any] = {"type": "sync", "status-code": status, "result": result}
        if isinstance(result, Change):
            document |= {"type": "async", "change": result.id, "result": None}
        elif status >= 400:
            document |= {"type": "error", "result": {"message": result}}
        document["status"] = request.responses.get(status, "")
        body = json.dumps(document).encode()
        request.reply_code = status
        request["Content-Type"] = "application/json"
        request["Content-Length"] = str(len(body))
        request.push(body)
        request.done()


def _change(change: Change) -> dict[str, Any]:
    document = {
        "id": change.id,
        "kind": change.action,
        "summary": change.action,
        "status": change.status,
        "ready": change.ready,
    }
    if change.errors:
        document["err"] = "; ".join(change.errors)
    return document
