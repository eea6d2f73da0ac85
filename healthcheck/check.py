"""What a check is, and what it says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from settings import Settings


@dataclass(frozen=True)
class Failure:
    """Why a check failed. One that only degrades leaves the container healthy."""

    reason: str
    degrades: bool = False


@dataclass(frozen=True)
class Target:
    """What the checks look at."""

    settings: Settings
    data: Path
    dns: Path
    proxy: Path
    syslog: Path
    run: Path
    worker_socket: Path
    supervisor_socket: Path

    @classmethod
    def from_environment(cls, settings: Settings, environ: Mapping[str, str]) -> "Target":
        """Take the places from the variables that the image sets for MAAS itself."""
        run = Path(environ["MAAS_IPC_SOCKET_PATH"]).parent
        return cls(
            settings=settings,
            data=Path(environ["MAAS_ROOT"]),
            dns=Path(environ["MAAS_DNS_CONFIG_DIR"]),
            proxy=Path(environ["MAAS_PROXY_CONFIG_DIR"]),
            syslog=Path(environ["MAAS_SYSLOG_CONFIG_DIR"]),
            run=run,
            worker_socket=Path(environ["MAAS_HTTP_SOCKET_WORKER_BASE_PATH"] + ".0"),
            supervisor_socket=run / "supervisor.sock",
        )


@dataclass(frozen=True)
class Check:
    """One check. `period` and `timeout` are in seconds; `run` answers None or why it failed.

    `make` is called once and returns `run`, which may keep what it needs between its runs.
    """

    name: str
    proves: str
    period: float
    timeout: float
    make: Callable[[Target], Callable[[], Awaitable[Failure | None]]]
