"""Check: there is a backup that is not too old."""

import re
import time
from datetime import datetime, timezone
from pathlib import Path

from healthcheck.check import Check, Failure, Run, State, Target, in_thread

DAY_SECONDS = 24 * 3600.0
# As `maas-init backup` names what is complete, with the time in UTC.
NAME = re.compile(r"maas-backup-(\d{8}T\d{6}Z)(-without-images)?\.tar")
MEND = "docker compose exec maas maas-init backup"


def _make(target: Target) -> Run:
    allowed_days = target.settings.maas_backup_max_age_days

    def look() -> Failure | None:
        now = time.time()
        try:
            newest = max(_times(target.data / "backups", now), default=None)
            since = _installed(target.data, now) if newest is None else newest
        except OSError as error:
            return Failure("the backups cannot be looked at", str(error))
        if newest is None:
            target.readings.pop("maas_backup_last_timestamp_seconds", None)
        else:
            target.readings["maas_backup_last_timestamp_seconds"] = newest
        days = (now - since) / DAY_SECONDS
        if not allowed_days or days <= allowed_days:
            return None
        what = "there is no backup, and MAAS is" if newest is None else "the newest backup is"
        return Failure(f"{what} {days:.0f} days old", mend=MEND)

    return in_thread(look)


def _times(directory: Path, now: float) -> list[float]:
    """Return when each backup was made; none is from the future, whatever the clock was then."""
    times = []
    for path in directory.iterdir():
        if name := NAME.fullmatch(path.name):
            made = datetime.strptime(name[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            times.append(min(made.timestamp(), now))
    return times


def _installed(data: Path, now: float) -> float:
    """Return since when there has been anything to back up: MAAS's identity is as old."""
    identity = data / "maas_id"
    return identity.stat().st_mtime if identity.exists() else now


CHECK = Check(
    name="backups",
    proves="the newest backup is not older than MAAS_BACKUP_MAX_AGE_DAYS",
    means="what has changed since would be lost with the volumes",
    weight=State.DEGRADED,
    period=60.0,
    timeout=10.0,
    make=_make,
)
