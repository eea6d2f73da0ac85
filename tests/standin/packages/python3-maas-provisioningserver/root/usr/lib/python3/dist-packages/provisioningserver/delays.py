"""How slow MAAS is, in one place.

Every artificial wait of the stand-in is one of these constants. `STANDIN_TIME_SCALE` multiplies
all of them (default 1; 0 switches them off). The values are what is left of the measured times
after the stand-in's own work.
"""

from __future__ import annotations

import os
import time

from provisioningserver import release

IMPORT = release.IMPORT_SECONDS
"""Importing Django and MAAS: each CLI call 2.1-2.6 s (maas-region-run.md 3), on 3.7 3.2-3.6 s
(maas-37-region-run.md 1)."""

DAEMON_IMPORT = release.DAEMON_IMPORT_SECONDS
"""The same for apiserver and temporal-worker: without a database 3.7's end after 2.2-2.7 s
(maas-37-region-run.md 3 and 6)."""

MIGRATION = 0.09
"""One of 381 migrations: a first dbupgrade takes 38.7 s (maas-region-run.md 3.2)."""

MIGRATION_STATE = release.STATE_SECONDS
"""Before the first migration of a database that is not empty: 3.5's takes 3.7 about 15.7 s, of
which 17 migrations, Alembic and Temporal's schema are the lesser part (maas-37-region-run.md 1)."""

REVISION = 0.15
"""One of Alembic's 7: 3.7 needs 5.2 s for an empty database (maas-37-region-run.md 1)."""

TEMPORAL_SCHEMA = 0.5
"""temporal-sql-tool, both schemas: a dbupgrade with nothing to do takes 3.2 s (3.2)."""

MASTER_START = 0.6
"""regiond asks for nginx about 3 s after its exec (5, timeline)."""

FIRST_START = 4.0
"""A database that no region used yet: builtin scripts, CA (maas-operate.md 4 and 7: 13 s
instead of 9 s; the 20 s of maas-region-run.md 5 include nginx's dead upstreams)."""

WORKER_START = 1.6
"""Workers' sockets appear 6.5-7 s after regiond's exec (maas-region-run.md 5, timeline)."""

FIRST_REQUEST = 0.3
"""The first request to each worker: 0.3-0.5 s (maas-operate.md 7)."""

REGIOND_STOP = 0.7
"""regiond ends 0.7-1.5 s after SIGTERM (maas-region-run.md 6)."""

APISERVER_START = 1.1
"""3.6 and later, between the database and the certificates: without them apiserver ends after
3.7 s, with them its sockets are there after that time (maas-37-region-run.md 3)."""

OPENAPI = 0.25
"""/MAAS/a/openapi.json is heavy (maas-37-region-run.md 8)."""

APISERVER_STOP = 0.3
"""apiserver ends 0.3-0.5 s after SIGTERM (maas-region-run.md 6)."""

TEMPORAL_WORKER_STOP = 0.2
"""temporal-worker ends 0.2 s after SIGTERM (maas-region-run.md 6)."""


def scale() -> float:
    """The factor from `STANDIN_TIME_SCALE`; anything unreadable counts as 1."""
    try:
        return max(0.0, float(os.environ.get("STANDIN_TIME_SCALE") or 1))
    except ValueError:
        return 1.0


def pause(seconds: float) -> None:
    """Wait as long as MAAS itself would have worked."""
    time.sleep(seconds * scale())
