"""What a check is, and what it says."""

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from healthcheck import foreign
from healthcheck.programs import Programs
from healthcheck.supervisor_client import SupervisorClient
from settings import Settings


class State(enum.Enum):
    """What Docker, Prometheus and people are told."""

    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Failure:
    """Why a check failed.

    `reason` and `mend`, the command that mends it, may be shown to everybody; `detail` (addresses,
    paths, the words of an error) is shown in the container only. One that `degrades` leaves the
    container healthy whatever the check's weight is. `silent`: somebody gave no answer at all.
    """

    reason: str
    detail: str = ""
    mend: str = ""
    degrades: bool = False
    silent: bool = False

    def __str__(self) -> str:
        return self._with_mend(f"{self.reason}: {self.detail}" if self.detail else self.reason)

    @property
    def public(self) -> str:
        """What may be shown to everybody."""
        return self._with_mend(self.reason)

    def _with_mend(self, text: str) -> str:
        return foreign.text(f"{text} ({self.mend})" if self.mend else text)


Run = Callable[[], Awaitable[Failure | None]]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Target:
    """What the checks look at, and where they leave what they have measured.

    `readings` holds the last value of each metric that a check knows, by the metric's name; those
    with a label have a value for each of its values.
    """

    settings: Settings
    data: Path
    log: Path
    dns: Path
    proxy: Path
    syslog: Path
    http: Path
    temporal: Path
    run: Path
    worker_sockets: Path
    programs: Programs
    proxy_cache: Path = Path("/var/spool/maas-proxy")  # hard-coded in MAAS
    readings: dict[str, float | dict[str, float]] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, settings: Settings, environ: Mapping[str, str]) -> "Target":
        """Take the places from the variables that the image sets for MAAS itself."""
        run = Path(environ["MAAS_IPC_SOCKET_PATH"]).parent
        return cls(
            settings=settings,
            data=Path(environ["MAAS_ROOT"]),
            log=Path(environ["MAAS_SYSLOG_LOG_DIR"]),
            dns=Path(environ["MAAS_DNS_CONFIG_DIR"]),
            proxy=Path(environ["MAAS_PROXY_CONFIG_DIR"]),
            syslog=Path(environ["MAAS_SYSLOG_CONFIG_DIR"]),
            http=Path(environ["MAAS_HTTP_CONFIG_DIR"]),
            temporal=Path(environ["MAAS_TEMPORAL_CONFIG_DIR"]),
            run=run,
            worker_sockets=Path(environ["MAAS_HTTP_SOCKET_WORKER_BASE_PATH"]),
            programs=Programs(SupervisorClient(run / "supervisor.sock")),
        )

    @property
    def first_worker(self) -> Path:
        """The socket of regiond's first worker."""
        return self.worker_sockets.with_name(f"{self.worker_sockets.name}.0")


@dataclass(frozen=True)
class Check:
    """One check.

    `period` and `timeout` are in seconds. `weight` is what a failure makes of the container.
    `proves` and `means` are for people: what is true when it passes, and what does not work when it
    fails. When one of the checks that it `follows` has failed, too, that one is the likely cause.
    `make` is called once and returns what answers None or why it failed, and which may keep what
    it needs between its runs.
    """

    name: str
    proves: str
    means: str
    weight: State
    period: float
    timeout: float
    make: Callable[[Target], Run]
    follows: tuple[str, ...] = ()


class Thread:
    """A thread for what may block, such as reading from a volume: never two at once.

    Each check that needs one has its own, so that a volume that hangs holds up nothing else.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._running: asyncio.Future[Any] | None = None

    async def run(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Return what a function returns, after an earlier one that was given up has ended."""
        if self._running and not self._running.done():
            await asyncio.wait({self._running})
        loop = asyncio.get_running_loop()
        running: asyncio.Future[_T] = loop.run_in_executor(self._executor, function, *arguments)
        self._running = running
        await asyncio.wait({running})  # which leaves it alone when we are cancelled
        return running.result()


def in_thread(look: Callable[[], Failure | None]) -> Run:
    """Make a check's run of a function that may block."""
    thread = Thread()

    async def run() -> Failure | None:
        return await thread.run(look)

    return run
