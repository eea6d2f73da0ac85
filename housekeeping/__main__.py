"""`python -m housekeeping`: all tasks at the start and every few minutes, until SIGTERM."""

import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import settings
from housekeeping import litter, machine_logs, rotation
from housekeeping.attempts import log

INTERVAL_SECONDS = 300


def main() -> int:
    """Work until SIGTERM; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    logs = Path(os.environ["MAAS_SYSLOG_LOG_DIR"])
    data = Path(os.environ["MAAS_ROOT"])
    days = settings.read("MAAS_SYSLOG_DAYS", os.environ)
    megabytes = settings.read("MAAS_SYSLOG_MB", os.environ)
    while True:
        try:
            for done in _tidy(logs, data, days, megabytes):
                log.info(done)
        except OSError as error:  # something vanished meanwhile: the next round sees what is there
            log.warning("cannot go on tidying %s: %s", error.filename, error.strerror)
        time.sleep(INTERVAL_SECONDS)


def _tidy(logs: Path, data: Path, days: int, megabytes: int) -> Iterator[str]:
    """Carry out every task; say of each what it did, if anything."""
    machines = logs / "rsyslog"
    # what makes room comes first: the rest needs some
    if count := machine_logs.remove_old(machines, days):
        yield f"removed {count} log files of machines, older than {days} days"
    if count := machine_logs.remove_excess(machines, megabytes):
        yield f"removed {count} log files of machines: all together took over {megabytes} MB"
    if count := machine_logs.compress(machines):
        yield f"compressed {count} log files of machines"
    if count := rotation.rotate(logs, logs / "http", logs / "proxy"):
        yield f"rotated {count} log files"
    if count := litter.remove(data, Path(tempfile.gettempdir())):
        yield f"removed {count} temporary files"


if __name__ == "__main__":
    sys.exit(main())
