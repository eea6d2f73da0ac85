"""What apiserver answers (maas-region-run.md 5, maas-37-region-run.md 4 and 8)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qsl

import psycopg2
from django.contrib.auth.hashers import check_password
from maasserver.region import http
from provisioningserver import delays, log, release

from maasapiserver.connection import Connection

ROOT = "/MAAS/a"
"""3.6 and later; up to 3.5 nginx takes it away."""

ORIGIN = "maas.apiserver"
JSON = "application/json"
DOCS = "<!doctype html><title>MAAS API (stand-in)</title><p>A stand-in: this page is all.</p>"
METRICS = (
    "# HELP maas_apiserver_request_latency Number of requests answered.\n"
    "# TYPE maas_apiserver_request_latency counter\n"
    "maas_apiserver_request_latency_total {count}\n"
)
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "MAAS API (stand-in)", "version": release.RELEASE},
    "paths": {},
}


class Pages:
    """Views by their paths; those that need the database are 500 without it."""

    def __init__(self, root: str) -> None:
        self._count = 0
        self.views: dict[str, Callable[[http.Request], http.Response]] = {
            f"{root}/docs": lambda request: http.Response(200, DOCS, http.HTML),
            f"{root}/openapi.json": _openapi,
            f"{root}/metrics": self._metrics,
        }

    def __call__(self, request: http.Request) -> http.Response:
        self._count += 1
        if not release.JSON_LOG:
            return self._answer(request)
        log.info(ORIGIN, f"start of {request.method} {request.path}")
        response = self._answer(request)
        log.info(ORIGIN, f"end of {request.method} {request.path}: {response.status}")
        return response

    def _answer(self, request: http.Request) -> http.Response:
        view = self.views.get(request.path)
        if view is None:
            return _detail(404, "Not Found")
        try:
            return view(request)
        except psycopg2.Error as failure:
            log.error(ORIGIN, f"500 Internal Server Error: {failure}", trace=True)
            return http.Response(500, "Internal Server Error")

    def _metrics(self, request: http.Request) -> http.Response:
        return http.Response(200, METRICS.format(count=self._count))


class User(Pages):
    """The API for users: a login, and one thing to be seen after it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(ROOT)
        self._connection = connection
        self._users: dict[str, str] = {}
        self.views |= {
            f"{ROOT}/v3/": lambda request: _json(200, {}),
            f"{ROOT}/v3/auth/login": self._login,
            f"{ROOT}/v3/zones": self._zones,
        }

    def _login(self, request: http.Request) -> http.Response:
        if request.method != "POST":
            return _detail(405, "Method Not Allowed")
        given = dict(parse_qsl(request.body.decode()))
        name = given.get("username", "")
        query = "SELECT password FROM auth_user WHERE username = %s AND is_active"
        row = self._connection.row(query, name)
        if row is None or not check_password(given.get("password", ""), row[0]):
            return _detail(401, "Unauthorized")
        token = secrets.token_urlsafe(32)
        self._users[token] = name
        return _json(200, {"access_token": token, "token_type": "bearer"})

    def _zones(self, request: http.Request) -> http.Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        name = self._users.get(token) if kind.lower() == "bearer" else None
        if name is None:
            return _detail(401, "Unauthorized")
        if self._connection.row("SELECT 1 FROM auth_user WHERE username = %s", name) is None:
            return _detail(401, "Unauthorized")
        return _json(200, {"items": [], "total": 0})


class Internal(Pages):
    """The API for racks and agents, none of which the stand-in has."""

    def __init__(self) -> None:
        super().__init__(ROOT)
        self.views = {f"{ROOT}/openapi.json": _openapi}


def _openapi(request: http.Request) -> http.Response:
    delays.pause(delays.OPENAPI)
    return _json(200, OPENAPI)


def _detail(status: int, text: str) -> http.Response:
    return _json(status, {"detail": text})


def _json(status: int, content: object) -> http.Response:
    return http.Response(status, json.dumps(content), JSON)
