"""chrony's two files, written by a root helper (maas-region-run.md 1.3, maas-operate.md 1.4, 4)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from provisioningserver import paths
from provisioningserver.files import sudo_write

from maasserver import configvalues
from maasserver.models import Interface, Node

HEADER = "# Written by the stand-in for MAAS. Changes are lost.\n"
OFF = "# not used by MAAS: "


def write(node: Node) -> bool:
    """Return whether anything changed."""
    servers = (configvalues.get("ntp_servers") or "").split()
    others = Interface.objects.exclude(node=node).filter(node__node_type=node.node_type)
    own = paths.chrony_config() / "maas.conf"
    main = paths.chrony_config() / "chrony.conf"
    changed = sudo_write(own, _own(servers, others.values_list("ip", flat=True)))
    text = main.read_text() if main.exists() else ""
    return sudo_write(main, _main(text, f"include {own}\n")) or changed


def _own(servers: Iterable[str], peers: Iterable[str]) -> str:
    lines = ["hwtimestamp *\n"]
    for server in servers:
        try:
            lines.append(f"server {ipaddress.ip_address(server)} iburst\n")
        except ValueError:
            lines.append(f"pool {server} iburst\n")
    lines += (f"peer {address} xleave\n" for address in sorted(peers))
    return HEADER + "".join(lines) + "local stratum 8 orphan\nallow\n"


def _main(text: str, include: str) -> str:
    """What is there stays, without its own sources of time."""
    text = re.sub(r"^(?=(?:server|pool)\s)", OFF, text, flags=re.MULTILINE)
    return text if include in text else f"{text}\n{HEADER}{include}".lstrip("\n")
