"""`regiond`: this process is the parent, or with MAAS_REGIOND_WORKER set one of its workers."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys

WORKER = "MAAS_REGIOND_WORKER"
PARENT = "MAAS_REGIOND_PARENT"
PR_SET_PDEATHSIG = 1


def run() -> None:
    """The parent starts the same program again for each worker (maas-region-run.md 1)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maasserver.djangosettings.settings")
    worker = os.environ.get(WORKER)
    if worker is not None:
        _die_with_parent()
        from maasserver.region.worker import Worker

        Worker(int(worker)).run()
        return
    parser = argparse.ArgumentParser(prog="regiond")
    parser.add_argument("-w", "--workers", type=int, help="number of worker processes")
    arguments = parser.parse_args()

    from maasserver.region.master import Master

    Master(arguments.workers).run()


def _die_with_parent() -> None:
    """PDEATHSIG: a killed parent takes its workers along (maas-region-run.md 6)."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if str(os.getppid()) != os.environ.get(PARENT):
        sys.exit("the parent is gone")
