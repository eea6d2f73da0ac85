"""What a worker answers (maas-region-run.md 5, maas-operate.md 1.1, maas-versions.md 7)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl

from django.contrib.auth.models import User
from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection
from provisioningserver import delays, log, release
from provisioningserver.version import split_version

from maasserver import accounts, configvalues
from maasserver.models import ControllerInfo
from maasserver.region import metrics, oauth, rpc, sshkeys
from maasserver.region.http import HTML, TEXT, Request, Response

T = TypeVar("T")
JSON = "application/json"
UI = Path("/usr/share/maas/web/static/index.html")
CAPABILITIES = [
    "networks-management",
    "static-ipaddresses",
    "ipv6-deployment-ubuntu",
    "devices-management",
    "storage-deployment-ubuntu",
    "network-deployment-ubuntu",
    "bridging-interface-ubuntu",
    "bridging-automatic-ubuntu",
    "authenticate-api",
]


class Application:
    """Routes, the slow first request, metrics, and database errors as status 500."""

    def __init__(self) -> None:
        self._warm = False
        self._version, self._subversion = split_version()
        self._routes = {
            "/MAAS/api/2.0/version/": self._describe,
            "/MAAS/api/version/": self._version_of_api,
            "/MAAS/rpc/": self._rpc,
            "/MAAS/r/": lambda request: Response(200, UI.read_bytes(), HTML),
            "/MAAS/api/2.0/maas/": _signed(self._maas),
            "/MAAS/api/2.0/users/": _signed(self._users),
            "/MAAS/api/2.0/account/prefs/sshkeys/": _signed(self._ssh_keys),
        }

    def __call__(self, request: Request) -> Response:
        started = time.monotonic()
        if not self._warm:
            self._warm = True
            delays.pause(delays.FIRST_REQUEST)
        view = self._routes.get(request.path)
        known = request.path if view else "other"
        try:
            response = view(request) if view else Response(404, "Unknown API endpoint")
            metrics.observe(request.method, known, response.status, time.monotonic() - started)
            return response
        except Exception as failure:
            return self._broken(failure)

    def _broken(self, failure: Exception) -> Response:
        log.error("regiond.http", f"500 Internal Server Error: {failure}", trace=True)
        if isinstance(failure, Error):
            connection.close()
        return Response(500, str(failure))

    def _describe(self, request: Request) -> Response:
        _with_connection(ControllerInfo.objects.count)
        answer = {
            "capabilities": CAPABILITIES,
            "version": self._version,
            "subversion": self._subversion,
        }
        return Response(200, json.dumps(answer), JSON)

    def _version_of_api(self, request: Request) -> Response:
        if release.SHORT_VERSION_NEEDS_DATABASE:
            _with_connection(ControllerInfo.objects.count)
        return Response(200, "2.0")

    def _rpc(self, request: Request) -> Response:
        return Response(200, json.dumps({"eventloops": _with_connection(rpc.event_loops)}), JSON)

    def _users(self, request: Request, user: User) -> Response:
        if request.method == "POST" and "op" not in request.query:
            return _create_user(_form(request), user)
        if request.method != "GET" or request.query.get("op") != "whoami":
            return _unrecognised(request, request.query.get("op"))
        return Response(200, json.dumps(_description(user)), JSON)

    def _maas(self, request: Request, user: User) -> Response:
        given = {**request.query, **_form(request)}
        operation = (request.method, given.get("op"))
        if operation not in (("GET", "get_config"), ("POST", "set_config")):
            return _unrecognised(request, given.get("op"))
        if request.method == "POST" and not user.is_superuser:
            return Response(403, "This method is reserved for admin users.")
        name = given.get("name")
        if not name:
            return Response(400, "No provided name!")
        if name not in configvalues.SETTINGS.keys() | configvalues.ALIASES:
            valid = ", ".join(sorted(configvalues.SETTINGS))
            text = f"{name} is not a valid config setting (valid settings are: {valid})."
            return Response(400, json.dumps({name: [text]}), JSON)
        if request.method == "GET":
            return Response(200, json.dumps(configvalues.get(name)), JSON)
        if "value" not in given:
            return Response(400, "No provided value!")
        try:
            configvalues.store(name, given["value"])
        except configvalues.Refused as refusal:
            body = json.dumps({name: [str(refusal)]})
            return Response(400, body, f"{JSON}; charset=utf-8")
        return Response(200, "OK", TEXT)

    def _ssh_keys(self, request: Request, user: User) -> Response:
        given = {**request.query, **_form(request)}
        if request.method == "GET" and "op" not in given:
            return Response(200, json.dumps(sshkeys.of(user)), JSON)
        if (request.method, given.get("op")) != ("POST", "import"):
            return _unrecognised(request, given.get("op"))
        try:
            keys = sshkeys.import_for(user, given.get("keysource"))
        except sshkeys.ImportFailed as failure:
            return Response(400, str(failure))
        return Response(200, json.dumps(keys), JSON)


def _signed(view: Callable[[Request, User], Response]) -> Callable[[Request], Response]:
    """A view for users with a key."""

    def check(request: Request) -> Response:
        try:
            user = _with_connection(lambda: oauth.user_of(request))
        except oauth.Denied as denied:
            return Response(401, denied.body, denied.content_type)
        return view(request, user)

    return check


def _unrecognised(request: Request, operation: str | None) -> Response:
    return Response(400, f"Unrecognised signature: method={request.method} op={operation}")


def _create_user(form: dict[str, str], user: User) -> Response:
    if not user.is_superuser:
        return Response(403, "This method is reserved for admin users.")
    try:
        made = accounts.create_user(
            form["username"], form["email"], form["password"], form["is_superuser"] == "1"
        )
    except KeyError as missing:
        return Response(400, f"No provided {missing.args[0]}!")
    except IntegrityError:
        return Response(400, "A user with that username exists.")
    return Response(200, json.dumps(_description(made)), JSON)


def _description(user: User) -> dict[str, object]:
    return {
        "username": user.username,
        "email": user.email,
        "is_superuser": user.is_superuser,
        "is_local": True,
        "resource_uri": f"/MAAS/api/2.0/users/{user.username}/",
    }


def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith(JSON):
        return {key: str(value) for key, value in json.loads(request.body or b"{}").items()}
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def _with_connection(action: Callable[[], T]) -> T:
    """Once more on a new connection, where the database was away since the last request."""
    try:
        return action()
    except (InterfaceError, OperationalError):
        connection.close()
        return action()
