"""Where MAAS keeps its files: read from the environment that the image gives to every process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Files and directories that init makes, checks or writes."""

    data: Path
    region_configuration: Path
    dns: Path
    zones: Path
    proxy: Path
    syslog: Path
    http: Path
    temporal: Path
    metrics: Path
    run: Path
    region_socket: Path
    worker_socket: Path
    backups: Path
    volatile: Path
    log: Path
    proxy_cache: Path
    drivers: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Paths":
        """Take the paths from MAAS's own variables (facts/maas-region-run.md 1).

        Raises KeyError when the image does not set one.
        """
        data = Path(environ["MAAS_ROOT"])
        return cls(
            data=data,
            region_configuration=Path(environ["MAAS_REGION_CONFIG"]),
            dns=Path(environ["MAAS_DNS_CONFIG_DIR"]),
            zones=Path(environ["MAAS_ZONE_FILE_CONFIG_DIR"]),
            proxy=Path(environ["MAAS_PROXY_CONFIG_DIR"]),
            syslog=Path(environ["MAAS_SYSLOG_CONFIG_DIR"]),
            http=Path(environ["MAAS_HTTP_CONFIG_DIR"]),
            temporal=Path(environ["MAAS_TEMPORAL_CONFIG_DIR"]),
            metrics=Path(environ["prometheus_multiproc_dir"]),
            run=Path(environ["MAAS_IPC_SOCKET_PATH"]).parent,
            region_socket=Path(environ["MAAS_IPC_SOCKET_PATH"]),
            worker_socket=Path(environ["MAAS_HTTP_SOCKET_WORKER_BASE_PATH"] + ".0"),
            backups=data / "backups",
            volatile=Path("/run"),
            log=Path(environ["MAAS_SYSLOG_LOG_DIR"]),
            proxy_cache=Path("/var/spool/maas-proxy"),  # MAAS knows no other
            drivers=Path(environ["MAAS_THIRD_PARTY_DRIVER_SETTINGS"]),
        )
