"""Workers' RPC ports in the database, and /MAAS/rpc/ from it (maas-versions.md 0.8, 7)."""

from __future__ import annotations

import datetime
import os
import socket

from django.db import transaction
from django.utils import timezone

from maasserver.models import (
    Interface,
    Node,
    RegionControllerProcess,
    RegionControllerProcessEndpoint,
)

PORTS = range(5250, 5260)
EXPIRY = datetime.timedelta(seconds=90)
"""/MAAS/rpc/ forgets a dead region after about 81 s (maas-operate.md 4)."""


def listen() -> tuple[socket.socket, int]:
    """The first free port of 5250-5259."""
    for port in PORTS:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
            listener.listen(16)
        except OSError:
            listener.close()
            continue
        return listener, port
    raise OSError("no free RPC port in 5250-5259")


@transaction.atomic
def register(maas_id: str, port: int) -> bool:
    """Heartbeat and endpoints; False while the region has no address."""
    node = Node.objects.get(system_id=maas_id)
    process, _ = RegionControllerProcess.objects.update_or_create(
        region=node, pid=os.getpid(), defaults={"updated": timezone.now()}
    )
    addresses = set(Interface.objects.filter(node=node).values_list("ip", flat=True))
    endpoints = RegionControllerProcessEndpoint.objects.filter(process=process)
    if set(endpoints.values_list("address", "port")) != {(ip, port) for ip in addresses}:
        endpoints.delete()
        for address in addresses:
            RegionControllerProcessEndpoint.objects.create(
                process=process, address=address, port=port
            )
    return bool(addresses)


def event_loops() -> dict[str, list[list[object]]]:
    """`{"<host>:pid=N": [[ip, port], …]}` of every worker that is alive."""
    loops: dict[str, list[list[object]]] = {}
    alive = RegionControllerProcessEndpoint.objects.filter(
        process__updated__gt=timezone.now() - EXPIRY
    )
    for endpoint in alive.select_related("process__region").order_by("id"):
        name = f"{endpoint.process.region.hostname}:pid={endpoint.process.pid}"
        loops.setdefault(name, []).append([endpoint.address, endpoint.port])
    return loops
