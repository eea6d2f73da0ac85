"""Recording the region's interfaces, every 30 s (maas-region-run.md 1.3 and 6)."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from provisioningserver import log, maaslog, refresh
from provisioningserver.locks import FileLock, NotAvailable
from provisioningserver.networks import own_addresses

from maasserver.models import Interface, Node
from maasserver.region.hardware import Beacons, Refresher

ORIGIN = "provisioningserver.utils.services"


class NetworksMonitor:
    """Holds the lock for its life; while another living PID does, it silently does nothing."""

    def __init__(self, node: Node, changed: Callable[[], None]) -> None:
        self.node = node
        self.changed = changed
        self.beacons = Beacons()
        self.refresher = Refresher()
        self.refreshed = False
        self.lock = FileLock.named("networks-monitoring")
        self.locked = False

    def tick(self) -> None:
        if not self.locked:
            try:
                self.lock.acquire()
            except NotAvailable:
                return
            self.locked = True
        try:
            found = {(a.interface, a.mac, a.ip, a.subnet) for a in own_addresses()}
            if not self.refreshed:
                refresh.describe()
        except Exception as failure:
            log.error(
                ORIGIN,
                f"Failed to update and/or record network interface configuration: {failure}",
                trace=True,
            )
            return
        changed = self._record(found)
        if changed:
            names = ", ".join(sorted({name for name, *_ in found})) or "none"
            maaslog.get("interface").info("Interfaces recorded: %s", names)
            self.changed()
        if changed or not self.refreshed:
            self.refreshed = True
            self.refresher.ask()
        self.beacons.watch(name for name, *_ in found)

    def release(self) -> None:
        if self.locked:
            self.lock.release()

    @transaction.atomic
    def _record(self, found: set[tuple[str, str, str, str]]) -> bool:
        rows = Interface.objects.filter(node=self.node)
        if set(rows.values_list("name", "mac_address", "ip", "cidr")) == found:
            return False
        rows.delete()
        for name, mac, ip, subnet in sorted(found):
            Interface.objects.create(node=self.node, name=name, mac_address=mac, ip=ip, cidr=subnet)
        return True
