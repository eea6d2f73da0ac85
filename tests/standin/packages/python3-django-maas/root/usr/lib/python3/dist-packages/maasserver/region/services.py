"""The region's services: configured by files, asked for by the service monitor.

Which requests come when: maas-region-run.md 1.1 and 1.4, maas-operate.md 1.4 and 8.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from functools import partial

import psycopg2
import psycopg2.extensions
from django.db import Error, connection
from provisioningserver import log, paths
from provisioningserver.pebble import ServiceError, Unreachable
from provisioningserver.service_monitor import SERVICES, ServiceMonitor

from maasserver import configvalues
from maasserver.models import Interface, Node, Service
from maasserver.region import configs, database, syslog, temporal, timesync
from maasserver.region.dnsservice import DNSService

ORIGIN = "maasserver.region_services"
MONITOR_INTERVAL = 30.0
MONITOR_LEAD = 0.1
"""The files for http, proxy and DNS are there when the first requests go out."""

RELOAD_AFTER = 0.7
"""SIGHUP reaches http and proxy 0.5-1 s after their start (1.1, "HUP race")."""

LATE_FILES = 0.3
"""The files of temporal, syslog and ntp are written after the first requests to start them (1.1):
a supervisor that obeys at once meets those of an earlier life, or none."""

RETRY_UNREACHABLE = 1.0
RETRY_FAILED = 0.13
"""No back-off anywhere: about 7 attempts a second (2, 8)."""

ROWS = {"ntp": "ntp_region", "syslog": "syslog_region", "http": "reverse-proxy"}
UNITS = {"http": "maas-http", "proxy": "maas-proxy", "syslog": "maas-syslog", "ntp": "chrony"}


class RegionServices:
    """One thread for each thing that is configured, one for the monitor."""

    def __init__(self, node: Node, workers: int, monitor: ServiceMonitor) -> None:
        self.node = node
        self.workers = workers
        self.monitor = monitor
        self.dns = DNSService(monitor)
        self._proxy_changed = threading.Event()
        self._reverse_proxy_changed = threading.Event()

    def start(self) -> None:
        database.in_thread("http", self._http)
        database.in_thread("proxy", self._proxy)
        database.in_thread("dns", self.dns.run)
        time.sleep(MONITOR_LEAD)
        database.every(MONITOR_INTERVAL, ORIGIN, self._monitor)
        database.in_thread("temporal", self._temporal)
        database.in_thread("syslog", partial(self._keep, "syslog", "syslog", syslog.write))
        ntp = partial(timesync.write, self.node)
        database.in_thread("ntp", partial(self._keep, "ntp", "NTP", ntp))

    def addresses_changed(self) -> None:
        """The proxy's and DNS's access lists follow the subnets."""
        self.dns.addresses_changed()
        self._proxy_changed.set()

    def listen(self) -> None:
        """Hear of changed settings, through the triggers that dbupgrade makes."""
        while True:
            try:
                parameters = {
                    key: value
                    for key, value in connection.get_connection_params().items()
                    if key != "isolation_level"
                }
                self._listen(psycopg2.connect(**parameters))
            except (psycopg2.Error, OSError, ValueError) as failure:
                log.error("maasserver.listener", f"Connection lost: {str(failure).strip()}")
                time.sleep(1)

    def _listen(self, raw: psycopg2.extensions.connection) -> None:
        raw.set_session(autocommit=True)
        with raw.cursor() as cursor:
            cursor.execute("LISTEN sys_proxy")
            cursor.execute("LISTEN sys_dns")
            cursor.execute("LISTEN sys_reverse_proxy")
        while True:
            select.select([raw], [], [])
            raw.poll()
            while raw.notifies:
                notification = raw.notifies.pop(0)
                if notification.channel == "sys_proxy":
                    self._proxy_changed.set()
                elif notification.channel == "sys_reverse_proxy":
                    self._reverse_proxy_changed.set()
                else:
                    self.dns.setting_changed(notification.payload)

    def _http(self) -> None:
        """Once at the start, and whenever TLS is switched on or off."""

        def configure() -> None:
            configs.write_nginx(self.workers)
            configs.write_nginx_stream()
            time.sleep(RELOAD_AFTER)
            self.monitor.reload("http")

        while True:
            self._reverse_proxy_changed.clear()
            self._until_done("reverse proxy", configure)
            connection.close()
            self._reverse_proxy_changed.wait()

    def _proxy(self) -> None:
        first = True
        while True:
            self._proxy_changed.clear()
            self._until_done("proxy", partial(self._configure_proxy, first))
            first = False
            self._proxy_changed.wait()

    def _configure_proxy(self, first: bool) -> None:
        subnets = set(Interface.objects.values_list("cidr", flat=True))
        use_peer = configvalues.get("use_peer_proxy")
        peer = configvalues.get("http_proxy") if use_peer else None
        configs.write_squid(subnets, configvalues.get("maas_proxy_port"), peer)
        if first:
            time.sleep(RELOAD_AFTER)
        if self._proxy_wanted():
            self.monitor.reload("proxy")

    def _temporal(self) -> None:
        time.sleep(LATE_FILES)
        self._until_done("Temporal", temporal.write_configuration)
        temporal.TemporalClient(self.monitor).run()

    def _keep(self, name: str, label: str, write: Callable[[], bool]) -> None:
        """One restart before the file is there, one after; then one for every change of it.

        Both files follow the settings only every 30 s (maas-operate.md 1.4).
        """
        early = database.in_thread(f"{name}-early", partial(self._restart, name, label))
        time.sleep(LATE_FILES)
        due = True
        while True:
            try:
                due = write() or due
                early.join()
                due = due and not self._restart(name, label)
            except Exception as failure:
                log.error(ORIGIN, f"Failed to update {label} configuration: {failure}", trace=True)
                if isinstance(failure, Error):
                    connection.close()
            time.sleep(MONITOR_INTERVAL)

    def _restart(self, name: str, label: str) -> bool:
        try:
            self.monitor.restart(name)
        except ServiceError as failure:
            log.error(ORIGIN, f"Failed to update {label} configuration: {failure}")
            return False
        return True

    def _until_done(self, what: str, action: Callable[[], None]) -> None:
        while True:
            try:
                action()
                return
            except Exception as failure:
                log.error(ORIGIN, f"Failed configuring {what}: {failure}", trace=True)
                slow = isinstance(failure, (Error, Unreachable))
                if isinstance(failure, Error):
                    connection.close()
            time.sleep(RETRY_UNREACHABLE if slow else RETRY_FAILED)

    def _proxy_wanted(self) -> bool:
        """Not with an external proxy of clients' own, nor without its file (1, 1.2)."""
        if not configvalues.get("enable_http_proxy") or not paths.proxy_config().exists():
            return False
        return not configvalues.get("http_proxy") or bool(configvalues.get("use_peer_proxy"))

    def _monitor(self) -> None:
        proxy = self._proxy_wanted()
        self.monitor.ensure_all({"proxy": proxy})
        self._record("regiond", "running", "")
        for name in SERVICES:
            state = self.monitor.states.get(name, "unknown")
            if state == "active":
                self._record(ROWS.get(name, name), "running", "")
            elif state == "unknown":
                self._record(ROWS.get(name, name), "unknown", "")
            elif name == "proxy" and not proxy:
                self._record(name, "off", "")
            else:
                text = f"{UNITS.get(name, name)} is currently stopped."
                self._record(ROWS.get(name, name), "dead", text)

    def _record(self, name: str, status: str, text: str) -> None:
        Service.objects.update_or_create(
            node=self.node, name=name, defaults={"status": status, "status_info": text}
        )
