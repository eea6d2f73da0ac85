"""A worker process: HTTP on its unix socket, one RPC port, a heartbeat in the database."""

from __future__ import annotations

import os
import signal
import threading

import django
from django.db import connection
from provisioningserver import delays, log, paths

from maasserver.config import own_id
from maasserver.region import database, http, listeners

THREADS = 4
"""HTTP threads; each holds a connection to the database."""

HEARTBEAT = 30.0
HEARTBEAT_WITHOUT_ADDRESS = 1.0
ORIGIN = "regiond"


class Worker:
    """Lives until the parent kills it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def run(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.umask(os.umask(0) | 0o007)
        django.setup()
        database.wait()
        delays.pause(delays.WORKER_START)
        # Models can be imported only now that Django is set up.
        from maasserver.region import rpc
        from maasserver.region.api import Application

        rpc_listener, port = rpc.listen()
        database.in_thread("rpc", lambda: listeners.accept_and_close(rpc_listener, _lost))
        database.in_thread("heartbeat", lambda: self._heartbeat(port))
        path = paths.worker_socket(self.number)
        listener = listeners.unix_listener(path, 0o666)
        application = Application()

        def answer() -> None:
            database.wait()
            http.serve(listener, application)

        for index in range(THREADS):
            database.in_thread(f"http-{index}", answer)
        log.info(ORIGIN, f"Worker {os.getpid()} listens on {path} and on RPC port {port}.")
        threading.Event().wait()

    def _heartbeat(self, port: int) -> None:
        from maasserver.region import rpc

        pause = threading.Event()
        while True:
            addressed = False
            try:
                addressed = rpc.register(own_id(), port)
            except Exception as failure:
                log.error("maasserver.ipc", f"Heartbeat failed: {str(failure).strip()}")
                connection.close()
            pause.wait(HEARTBEAT if addressed else HEARTBEAT_WITHOUT_ADDRESS)


def _lost() -> None:
    """The real one has a line for each connection that ends before a rack has named itself."""
    log.info("maasserver.rpc", "A connection ended that no rack controller had made its own.")
