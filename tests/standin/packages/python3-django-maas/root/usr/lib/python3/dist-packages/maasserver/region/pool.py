"""The worker processes: this program again, argv[0] and all (maas-region-run.md 1)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

from provisioningserver import log

from maasserver.region.main import PARENT, WORKER

CHECK = 0.5
ORIGIN = "maasserver.workers"


class WorkerPool:
    """Starts workers and replaces those that die; they are only ever killed (6)."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def run(self) -> None:
        """Never returns. PDEATHSIG counts from the thread that starts a worker: this one."""
        while True:
            with self._lock:
                if not self._closed:
                    self._fill()
            time.sleep(CHECK)

    def kill(self) -> None:
        with self._lock:
            self._closed = True
            for process in self._processes.values():
                process.kill()
            for process in self._processes.values():
                process.wait()

    def _fill(self) -> None:
        for number in range(self.count):
            process = self._processes.get(number)
            if process is not None:
                if process.poll() is None:
                    continue
                log.error(ORIGIN, f"Worker {process.pid} ended with {process.returncode}")
            environment = {**os.environ, WORKER: str(number), PARENT: str(os.getpid())}
            self._processes[number] = subprocess.Popen([sys.argv[0]], env=environment)
            log.info(ORIGIN, f"Worker pid:{self._processes[number].pid} has been started.")
