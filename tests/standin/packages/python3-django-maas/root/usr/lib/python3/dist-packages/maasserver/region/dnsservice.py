"""The region's DNS: files, named, rndc, and a question to see whether it worked (1, 1.4, 2)."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time

from django.db import Error, connection
from provisioningserver import dns, log
from provisioningserver.pebble import ServiceError
from provisioningserver.service_monitor import ServiceMonitor

from maasserver import configvalues
from maasserver.models import REGION_CONTROLLER, Interface, Node

ORIGIN = "maasserver.dns"
RETRY_FILES = 0.13
RETRY_SERVICE = 1.0
KILL_AFTER = 3
"""Failures in a row before named is stopped and started."""

SOA_TIMEOUT = 2.0
SOA_ATTEMPTS = 10
SOA_PAUSE = 0.2
"""named answers a reload before it has loaded the zones."""


class DNSService:
    """Writes what MAAS writes and reloads named only when the zone changed."""

    def __init__(self, monitor: ServiceMonitor) -> None:
        self.monitor = monitor
        self._changed = threading.Event()
        self._reason = "region started"
        self._reload = True

    def addresses_changed(self) -> None:
        self._reason = "addresses changed"
        self._changed.set()

    def setting_changed(self, name: str) -> None:
        """A changed option is written, but named is not told (maas-operate.md 1.4)."""
        self._reason = f"configuration {name} changed"
        self._changed.set()

    def run(self) -> None:
        failures = 0
        while True:
            self._changed.clear()
            try:
                self._update()
            except OSError as failure:
                log.error(ORIGIN, f"Failed configuring DNS: {failure}", trace=True)
                pause = RETRY_FILES
            except Error as failure:
                log.error(ORIGIN, f"Failed configuring DNS: {failure}", trace=True)
                connection.close()
                pause = RETRY_SERVICE
            except Exception as failure:
                failures += 1
                self._failed(failure, failures)
                pause = RETRY_SERVICE
            else:
                failures = 0
                log.info(ORIGIN, f"Reloaded DNS configuration; {self._reason}")
                self._changed.wait()
                continue
            time.sleep(pause)

    def _failed(self, failure: Exception, failures: int) -> None:
        if isinstance(failure, ServiceError) or failures % KILL_AFTER:
            log.error(ORIGIN, f"Failed configuring DNS: {failure}", trace=True)
            return
        log.error(ORIGIN, f"Failed configuring DNS; killing and restarting: {failure}")
        try:
            self.monitor.kill("bind9")
        except ServiceError as problem:
            log.error(ORIGIN, f"bind9 could not be restarted: {problem}")

    def _update(self) -> None:
        hosts: dict[str, list[str]] = {}
        trusted = {"localhost", "localnets"}
        for node in Node.objects.filter(node_type=REGION_CONTROLLER):
            hosts[node.hostname] = []
            for interface in Interface.objects.filter(node=node):
                hosts[node.hostname].append(interface.ip)
                trusted.add(interface.cidr)
        acl = configvalues.get("dns_trusted_acl")
        trusted.update((acl or "").split())
        upstream = (configvalues.get("upstream_dns") or "").split()
        dns.write_options(upstream, configvalues.get("dnssec_validation"))
        zone, changed = dns.write_zone(hosts, _name_server(hosts))
        dns.write_config({dns.DOMAIN: zone}, sorted(trusted))
        self._reload |= changed
        if not self._reload:
            return
        self.monitor.ensure("bind9")
        dns.rndc("reload")
        if zone_is_served(dns.DOMAIN):
            # It takes updates: named reads its file again only between these two.
            dns.rndc("freeze", dns.DOMAIN)
            dns.rndc("thaw", dns.DOMAIN)
        for _ in range(SOA_ATTEMPTS):
            if zone_is_served(dns.DOMAIN):
                self._reload = False
                return
            time.sleep(SOA_PAUSE)
        raise RuntimeError(f"zone {dns.DOMAIN} is not served at 127.0.0.1:53")


def _name_server(hosts: dict[str, list[str]]) -> str:
    """This host; named refuses a zone whose own name server has no address in it."""
    hostname = socket.gethostname().partition(".")[0]
    return f"{hostname}.{dns.DOMAIN}" if hosts.get(hostname) else "localhost"


def zone_is_served(zone: str) -> bool:
    """Ask 127.0.0.1:53, a hard-coded address, for the zone's SOA (2, last line)."""
    number = random.getrandbits(16)
    name = b"".join(bytes([len(part)]) + part.encode() for part in zone.split(".")) + b"\0"
    question = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 6, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(SOA_TIMEOUT)
        try:
            asking.connect(("127.0.0.1", 53))
            asking.send(question)
            answer = asking.recv(4096)
        except OSError:
            return False
    got, flags, _, answers = struct.unpack("!4H", answer[:8])
    return got == number and flags & 0x000F == 0 and answers > 0
