"""Temporal's files, and regiond's own connection to it (maas-region-run.md 1; operate 4)."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from urllib.parse import urlsplit

from provisioningserver import log, maaslog, paths
from provisioningserver.files import atomic_write
from provisioningserver.service_monitor import ServiceMonitor

from maasserver.config import RegionConfig, own_id
from maasserver.temporalclient import TemporalConnection, Unavailable

ORIGIN = "maasserver.temporal"
POLL = 1.0
SAY_AGAIN = 10.0

CONFIGURATION = """\
# Written by the stand-in for MAAS. Changes are lost.
log:
  stdout: true
  level: info
persistence:
  numHistoryShards: 4
  defaultStore: default
  visibilityStore: visibility
  datastores:
{default}{visibility}global:
  membership:
    maxJoinDuration: 30s
    broadcastAddress: "{broadcast}"
  tls:
{internode}{frontend}  metrics:
    prometheus:
      framework: tally
      timerType: histogram
      listenAddress: "127.0.0.1:9000"
services:
{services}clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active:
      enabled: true
      initialFailoverVersion: 1
      rpcName: frontend
      rpcAddress: "127.0.0.1:5271"
publicClient:
  hostPort: "localhost:5271"
dynamicConfigClient:
  filepath: "{dynamic}"
  pollInterval: 10s
"""

STORE = """\
    {name}:
      sql:
        pluginName: postgres
        databaseName: "{config.database_name}"
        connectAddr: "{config.database_host}:{config.database_port}"
        connectProtocol: tcp
        user: "{config.database_user}"
        password: "{config.database_pass}"
        connectAttributes:
          search_path: "{schema}"
          application_name: "maas-temporal-{maas_id}"
        maxConns: {connections}
        maxIdleConns: {connections}
        maxConnLifetime: 1h
"""
"""Nothing is escaped: a password with `"` or `\\` breaks the file (maas-versions.md 0.5)."""

TLS = """\
    {section}:
      server:
        requireClientAuth: true
        certFile: "{directory}/cluster.pem"
        keyFile: "{directory}/cluster.key"
        clientCaFiles:
          - "{directory}/cacerts.pem"
      client:
        serverName: maas
        rootCaFiles:
          - "{directory}/cacerts.pem"
"""

SERVICE = """\
  {name}:
    rpc:
      grpcPort: {grpc_port}
      membershipPort: {membership_port}
      bindOnIP: 0.0.0.0
"""

SERVICES = ("frontend", "matching", "history", "worker")
GRPC_PORT = 5271
MEMBERSHIP_PORT = 5281

DYNAMIC = """\
# Written by the stand-in for MAAS. Changes are lost.
limit.maxIDLength:
  - value: 255
    constraints: {}
"""


def write_configuration() -> None:
    """Both files, anew at each start; a Temporal that runs already is left alone."""
    config = RegionConfig.load()
    maas_id = own_id() or "NO_ID"
    directory = paths.temporal_config()
    dynamic = directory / "production-dynamic.yaml"

    def store(name: str, schema: str, connections: int) -> str:
        return STORE.format(
            name=name, schema=schema, connections=connections, config=config, maas_id=maas_id
        )

    def tls(section: str) -> str:
        return TLS.format(section=section, directory=paths.certificates())

    text = CONFIGURATION.format(
        default=store("default", "temporal", 5),
        visibility=store("visibility", "temporal_visibility", 1),
        broadcast=broadcast_address(config),
        internode=tls("internode"),
        frontend=tls("frontend"),
        services="".join(
            SERVICE.format(
                name=name, grpc_port=GRPC_PORT + index, membership_port=MEMBERSHIP_PORT + index
            )
            for index, name in enumerate(SERVICES)
        ),
        dynamic=dynamic,
    )
    atomic_write(directory / "production.yaml", text, 0o600)
    atomic_write(dynamic, DYNAMIC, 0o600)


def broadcast_address(config: RegionConfig) -> str:
    """regiond.conf's, else the own address on the way to maas_url; empty if that fails."""
    if config.broadcast_address:
        return config.broadcast_address
    host = urlsplit(config.maas_url).hostname or ""
    try:
        command = ["ip", "-json", "route", "get", socket.gethostbyname(host)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return str(json.loads(done.stdout)[0]["prefsrc"])
    except (OSError, subprocess.CalledProcessError, ValueError, LookupError) as failure:
        maaslog.get("temporal").error("No broadcast address: the way to %r: %s", host, failure)
        return ""


class TemporalClient:
    """regiond is a client, too; it waits without end for a Temporal that is active (8)."""

    def __init__(self, monitor: ServiceMonitor) -> None:
        self.monitor = monitor

    def run(self) -> None:
        said = 0.0
        while True:
            if not self.monitor.is_active("temporal"):
                time.sleep(POLL)
                continue
            try:
                connection = TemporalConnection()
            except Unavailable as failure:
                if time.monotonic() - said >= SAY_AGAIN or not said:
                    said = time.monotonic()
                    log.error(ORIGIN, f"Cannot connect to Temporal: {failure}")
                time.sleep(POLL)
                continue
            log.info(ORIGIN, "Connected to Temporal.")
            connection.wait_until_lost()
            log.error(ORIGIN, "Connection to Temporal lost.")
            time.sleep(POLL)
