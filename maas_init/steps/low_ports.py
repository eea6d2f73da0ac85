"""Step: whether DNS and time can have their ports, which are low ones, without a privilege.

In a network of the container's own they can. On the host's network the host's sysctl counts, and
where it does not let them, MAAS would kill and start named again for ever (facts/maas-region-run.md
2).
"""

from pathlib import Path

SYSCTL = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
LOWEST_PORT = 53


def problems(sysctl: Path = SYSCTL) -> list[str]:
    """Return what is wrong, with what mends it; nothing where the kernel does not tell."""
    try:
        first = int(sysctl.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []
    if first <= LOWEST_PORT:
        return []
    name = "net.ipv4.ip_unprivileged_port_start"
    return [
        f"{name} is {first}, as is usual on a host's own network, and MAAS's DNS (port 53) and time"
        f" (123) need {LOWEST_PORT} or less. On the host: sysctl -w {name}={LOWEST_PORT} (for good:"
        " in /etc/sysctl.d; on TrueNAS: System > Advanced Settings > Sysctl), or give the container"
        " a network of Docker's, which has 0"
    ]
