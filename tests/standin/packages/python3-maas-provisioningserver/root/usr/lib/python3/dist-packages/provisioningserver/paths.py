"""Where MAAS keeps its files: the variables of maas-region-run.md 1 and their defaults."""

from __future__ import annotations

import os
from pathlib import Path


def _path(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default)


def root() -> Path:
    """`MAAS_ROOT` redirects etc/, run/lock and certificates/ (maas-region-run.md 1)."""
    return _path("MAAS_ROOT", "/")


def data() -> Path:
    return _path("MAAS_DATA", "/var/lib/maas")


def maas_id() -> Path:
    """The identity of this controller (maas-region-run.md 1.4)."""
    return data() / "maas_id"


def shared_secret() -> Path:
    return data() / "secret"


def lock_dir() -> Path:
    return root() / "run/lock"


def certificates() -> Path:
    """`$MAAS_ROOT/certificates` when MAAS_ROOT is set, else below /var/lib/maas."""
    if os.environ.get("MAAS_ROOT"):
        return root() / "certificates"
    return Path("/var/lib/maas/certificates")


def region_config() -> Path:
    return _path("MAAS_REGION_CONFIG", "/etc/maas/regiond.conf")


def dns_config() -> Path:
    return _path("MAAS_DNS_CONFIG_DIR", "/etc/bind/maas")


def zone_files() -> Path:
    return _path("MAAS_ZONE_FILE_CONFIG_DIR", "/var/lib/bind/maas")


def proxy_config() -> Path:
    return _path("MAAS_PROXY_CONFIG_DIR", "/var/lib/maas") / "maas-proxy.conf"


def syslog_config() -> Path:
    """Where rsyslog.conf goes, and below it rsyslog/ with the socket."""
    return _path("MAAS_SYSLOG_CONFIG_DIR", "/var/lib/maas")


def syslog_socket() -> Path:
    return syslog_config() / "rsyslog/log.sock"


def chrony_config() -> Path:
    return root() / "etc/chrony"


def http_config() -> Path:
    return _path("MAAS_HTTP_CONFIG_DIR", "/var/lib/maas/http")


def temporal_config() -> Path:
    return _path("MAAS_TEMPORAL_CONFIG_DIR", "/var/lib/maas/temporal")


def ipc_socket() -> Path:
    return _path("MAAS_IPC_SOCKET_PATH", "/var/lib/maas/maas-regiond.sock")


def worker_socket(worker: int) -> Path:
    base = _path("MAAS_HTTP_SOCKET_WORKER_BASE_PATH", "/var/lib/maas/maas-regiond-webapp.sock")
    return Path(f"{base}.{worker}")


def apiserver_socket() -> Path:
    return _path("MAAS_APISERVER_HTTP_SOCKET_PATH", "/var/lib/maas/apiserver-http.sock")


def internal_apiserver_socket() -> Path:
    """3.6 and later (maas-37-region-run.md 2)."""
    default = data() / "internalapiserver-http.sock"
    return _path("MAAS_INTERNALAPISERVER_HTTP_SOCKET_PATH", str(default))


def program(absolute: str) -> str:
    """A program below `MAAS_PATH`, where that is set (maas-region-run.md 1)."""
    return f"{os.environ.get('MAAS_PATH', '').rstrip('/')}{absolute}"
