"""Check: the data volume can be written, and has room."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable

from healthcheck.check import Check, Failure, Target

LEAST_FREE_MB = 200


def _make(target: Target) -> Callable[[], Awaitable[Failure | None]]:
    def write() -> Failure | None:
        try:
            with tempfile.NamedTemporaryFile(dir=target.data, prefix=".healthcheck.") as file:
                file.write(b"written by healthcheck")
                file.flush()
            free = shutil.disk_usage(target.data).free // 2**20
        except OSError as error:
            return Failure(f"cannot write {target.data}: {error.strerror}")
        if free < LEAST_FREE_MB:
            return Failure(f"only {free} MB are free in {target.data}", degrades=True)
        return None

    async def run() -> Failure | None:
        return await asyncio.to_thread(write)

    return run


CHECK = Check(
    name="directories",
    proves="MAAS's state can be written",
    period=30.0,
    timeout=10.0,
    make=_make,
)
