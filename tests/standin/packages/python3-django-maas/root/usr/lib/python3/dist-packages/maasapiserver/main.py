"""`maas-apiserver`: its start and its end (maas-region-run.md 1, 6; maas-37-region-run.md 3, 5)."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import psycopg2
from maasserver import startuplock
from maasserver.config import RegionConfig
from maasserver.region import database, http, listeners
from provisioningserver import delays, log, paths, release

from maasapiserver import application
from maasapiserver.connection import Connection
from maasapiserver.internal import InternalAPI

ORIGIN = "maas.apiserver"
THREADS = 2
CLUSTER = ("cluster.pem", "cluster.key", "cacerts.pem")


def run() -> None:
    """Where it obeys SIGTERM, it ends within half a second; any other signal ends it at once."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maasserver.djangosettings.settings")
    log.as_of_daemons()
    stop = threading.Event()
    terminate = stop.set
    if release.INTERNAL_API:
        internal = _start()
        if not release.APISERVER_OBEYS_TERM:
            terminate = internal.close
    else:
        database.in_thread("start", _start_with_patience)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: terminate())
    stop.wait()
    delays.pause(delays.APISERVER_STOP)
    os._exit(0)


def _start_with_patience() -> None:
    """3.5. It is not known how the real one starts without a database: this one waits."""
    delays.pause(delays.DAEMON_IMPORT)
    while True:
        try:
            RegionConfig.load().connect().close()
            break
        except psycopg2.Error as failure:
            log.error(ORIGIN, f"Waiting for the database: {str(failure).strip()}")
            time.sleep(1)
    _serve(listeners.unix_listener(paths.apiserver_socket(), 0o666), application.Pages(""))


def _start() -> InternalAPI:
    """3.6 and later. What is missing ends it with status 1 and a traceback."""
    delays.pause(delays.DAEMON_IMPORT)
    connection = Connection()
    startuplock.wait_until_free(connection.raw, ORIGIN)
    delays.pause(delays.APISERVER_START)
    certificate, key, authority = _cluster_certificate()  # type: ignore[misc]  # as MAAS fails
    internal = InternalAPI(certificate, key, authority, application.Internal())
    listener = listeners.unix_listener(paths.apiserver_socket(), 0o666)
    database.in_thread("internal", internal.serve)
    _serve(listener, application.User(connection))
    return internal


def _cluster_certificate() -> tuple[Path, Path, Path] | None:
    """What regiond's start writes."""
    certificate, key, authority = (paths.certificates() / name for name in CLUSTER)
    if certificate.exists() and key.exists() and authority.exists():
        return certificate, key, authority
    return None


def _serve(listener: socket.socket, pages: http.Application) -> None:
    for index in range(THREADS):
        database.in_thread(f"http-{index}", lambda: http.serve(listener, pages))
    log.info(ORIGIN, f"listening on {paths.apiserver_socket()} (stand-in)")
