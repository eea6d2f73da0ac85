from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pid1 import Pid1


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Give the variables that the image sets for MAAS, below a directory of the test's own."""
    data, run = tmp_path / "data", tmp_path / "run/maas"
    return {
        "MAAS_ROOT": str(data),
        "MAAS_REGION_CONFIG": str(data / "regiond.conf"),
        "MAAS_DNS_CONFIG_DIR": str(data / "bind"),
        "MAAS_ZONE_FILE_CONFIG_DIR": str(data / "bind/zones"),
        "MAAS_PROXY_CONFIG_DIR": str(data / "proxy"),
        "MAAS_SYSLOG_CONFIG_DIR": str(data / "syslog"),
        "MAAS_HTTP_CONFIG_DIR": str(data / "http"),
        "MAAS_TEMPORAL_CONFIG_DIR": str(data / "temporal"),
        "MAAS_SYSLOG_LOG_DIR": str(tmp_path / "log"),
        "MAAS_THIRD_PARTY_DRIVER_SETTINGS": str(tmp_path / "etc/drivers.yaml"),
        "prometheus_multiproc_dir": str(run / "prometheus"),
        "MAAS_IPC_SOCKET_PATH": str(run / "regiond-ipc.sock"),
        "MAAS_HTTP_SOCKET_WORKER_BASE_PATH": str(run / "regiond-webapp.sock"),
    }


@pytest.fixture
def pid1(tmp_path: Path) -> Iterator[Pid1]:
    pid1 = Pid1(tmp_path)
    yield pid1
    if pid1.process and pid1.process.poll() is None:
        assert pid1.stop() == 0
