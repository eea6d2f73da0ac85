"""`maas-apiserver`: /docs and /metrics on its unix socket (maas-region-run.md 1, 5, 6)."""

from __future__ import annotations

import os
import signal
import threading
import time

import psycopg2
from maasserver.config import RegionConfig
from maasserver.region import database, http, listeners
from provisioningserver import delays, log, paths

THREADS = 2
DOCS = "<!doctype html><title>MAAS API (stand-in)</title><p>The stand-in has no version 3 API.</p>"
METRICS = (
    "# HELP maas_apiserver_request_latency Number of requests answered.\n"
    "# TYPE maas_apiserver_request_latency counter\n"
    "maas_apiserver_request_latency_total {count}\n"
)


class Application:
    """Two pages; nginx maps /MAAS/a/docs to /docs."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: http.Request) -> http.Response:
        self.count += 1
        if request.path == "/docs":
            return http.Response(200, DOCS, http.HTML)
        if request.path == "/metrics":
            return http.Response(200, METRICS.format(count=self.count))
        return http.Response(404, '{"detail":"Not Found"}', "application/json")


def _wait_for_database() -> None:
    """It is not known how the real one starts without a database: this one waits."""
    while True:
        try:
            RegionConfig.load().connect().close()
            return
        except psycopg2.Error as failure:
            log.error("maas.apiserver", f"Waiting for the database: {str(failure).strip()}")
            time.sleep(1)


def _serve() -> None:
    delays.pause(delays.IMPORT)
    _wait_for_database()
    listener = listeners.unix_listener(paths.apiserver_socket(), 0o666)
    application = Application()
    for index in range(THREADS):
        database.in_thread(f"http-{index}", lambda: http.serve(listener, application))
    log.info("maas.apiserver", f"listening on {paths.apiserver_socket()} (stand-in)")


def run() -> None:
    """SIGTERM ends it within half a second."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database.in_thread("serve", _serve)
    stop.wait()
    delays.pause(delays.APISERVER_STOP)
    os._exit(0)
