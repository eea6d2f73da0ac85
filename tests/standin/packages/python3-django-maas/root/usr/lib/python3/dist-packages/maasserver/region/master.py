"""The parent process: start-up, then everything that keeps the region's services going."""

from __future__ import annotations

import os
import signal
import threading

import django
from django.db import connection
from provisioningserver import delays, log, version
from provisioningserver.service_monitor import ServiceMonitor

from maasserver.config import RegionConfig
from maasserver.region import database, listeners
from maasserver.region.pool import WorkerPool

ORIGIN = "regiond"
MONITOR_INTERVAL = 30.0


class Master:
    """Starts in a thread, so that SIGTERM is obeyed at any moment of it."""

    def __init__(self, workers: int | None) -> None:
        self.workers = workers or RegionConfig.load().num_workers
        self.pool = WorkerPool(self.workers)
        self.release = lambda: None

    def run(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info(
            ORIGIN,
            f"stand-in for MAAS {version.STANDS_FOR} (no machine can be managed with it)",
        )
        database.in_thread("region", self._region)
        stop.wait()
        log.info(ORIGIN, "Received SIGTERM, shutting down.")
        self.pool.kill()
        self.release()
        delays.pause(delays.REGIOND_STOP)
        os._exit(0)

    def _region(self) -> None:
        """start_up, services and workers; ends never, for the workers die with this thread."""
        os.umask(os.umask(0) | 0o007)
        django.setup()
        delays.pause(delays.MASTER_START)
        # Models can be imported only now that Django is set up.
        from maasserver.region import startup
        from maasserver.region.networks import NetworksMonitor
        from maasserver.region.services import RegionServices

        node = startup.start_up()
        services = RegionServices(node, self.workers, ServiceMonitor())
        networks = NetworksMonitor(node, services.addresses_changed)
        self.release = networks.release
        listeners.start()
        services.start()
        database.every(MONITOR_INTERVAL, "networks-monitoring", networks.tick)
        database.in_thread("refresh", networks.refresher.run)
        database.in_thread("notifications", services.listen)
        connection.close()
        self.pool.run()
