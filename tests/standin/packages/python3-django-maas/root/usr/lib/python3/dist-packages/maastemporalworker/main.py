"""`maas-temporal-worker`: connections to PostgreSQL and Temporal (maas-region-run.md 1, 6)."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import psycopg2
import psycopg2.extensions
from maasserver import startuplock
from maasserver.config import RegionConfig, own_id
from maasserver.region import database
from maasserver.temporalclient import TemporalConnection, Unavailable
from provisioningserver import delays, log, paths, release

ORIGIN = "maas.temporal.worker"
ID_TRIES = 10
ID_PAUSE = 1.0
DATABASE_CHECK = 30.0
RECONNECT_PAUSE = 5.0


class Hopeless(Exception):
    """One line on why the worker ends; the supervisor starts it again."""


class Worker:
    """Both connections, made anew when they are lost once they have been there."""

    def run(self) -> None:
        """A start that fails ends the process."""
        delays.pause(delays.DAEMON_IMPORT)
        try:
            self.maas_id = _wait_for_identity()
            if not paths.shared_secret().exists():
                raise Hopeless(f"there is no {paths.shared_secret()}")
            self.database = self._connect_database()
            if release.INTERNAL_API:
                startuplock.wait_until_free(self.database, ORIGIN)
            temporal = TemporalConnection()
        except (Hopeless, Unavailable, psycopg2.Error) as failure:
            reason = " ".join(str(failure).split())
            print(f"maas-temporal-worker: cannot start: {reason}", file=sys.stderr, flush=True)
            os._exit(1)
        database.every(DATABASE_CHECK, ORIGIN, self._check_database)
        while True:
            log.info(ORIGIN, "connected to Temporal (stand-in: no workflow is run)")
            temporal.wait_until_lost()
            log.error(ORIGIN, "connection to Temporal lost")
            temporal = _reconnect()

    def _connect_database(self) -> psycopg2.extensions.connection:
        name = f"maas-temporal-worker-{self.maas_id}"
        connection = RegionConfig.load().connect(application_name=name)
        connection.autocommit = True
        return connection

    def _check_database(self) -> None:
        try:
            with self.database.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            self.database = self._connect_database()


def _wait_for_identity() -> str:
    """regiond writes maas_id while it starts."""
    for _ in range(ID_TRIES):
        maas_id = own_id()
        if maas_id:
            return maas_id
        time.sleep(ID_PAUSE)
    raise Hopeless(f"there is no {paths.maas_id()}")


def _reconnect() -> TemporalConnection:
    while True:
        time.sleep(RECONNECT_PAUSE)
        try:
            return TemporalConnection()
        except Unavailable as failure:
            log.error(ORIGIN, f"cannot connect to Temporal: {failure}")


def run() -> None:
    """SIGTERM ends it in 0.2 s."""
    log.as_of_daemons()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database.in_thread("work", Worker().run)
    stop.wait()
    delays.pause(delays.TEMPORAL_WORKER_STOP)
    os._exit(0)
