"""The region's own interfaces, asked of a root helper by sudo (maas-region-run.md 1.3)."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

RESOURCES = Path("/usr/share/maas/machine-resources")


@dataclass(frozen=True)
class Address:
    """An address of an interface of this host."""

    interface: str
    mac: str
    ip: str
    subnet: str


def _architecture() -> str:
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _in_container() -> bool:
    """False also where detection says "none"; raises where the program is missing."""
    done = subprocess.run(["systemd-detect-virt", "-c"], capture_output=True, check=False)
    return done.returncode == 0


def own_addresses() -> list[Address]:
    """Every address but loopback and link-local ones.

    Outside a container, interfaces without a device behind them (veth, macvlan) are dropped:
    maas-versions.md 0.7. A missing sudo or systemd-detect-virt raises FileNotFoundError.
    """
    command = ["sudo", str(RESOURCES / _architecture())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    contained = _in_container()
    found = []
    for name, network in sorted(json.loads(done.stdout)["networks"].items()):
        if not contained and not Path(f"/sys/class/net/{name}/device").exists():
            continue
        for entry in network["addresses"]:
            interface = ipaddress.ip_interface(f"{entry['address']}/{entry['netmask']}")
            if not (interface.is_loopback or interface.is_link_local):
                found.append(
                    Address(name, network["hwaddr"], str(interface.ip), str(interface.network))
                )
    return found
