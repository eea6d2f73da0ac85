"""Settings and what MAAS accepts for them (maas-operate.md 1.2 and 1.3; a selection)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any

from maasserver.models import Config


class Refused(Exception):
    """A value that MAAS answers with 400."""


def _text(raw: str) -> Any:
    return raw.strip()


def _boolean(raw: str) -> bool:
    """The trap of 1.2: everything but false, False and nothing is true."""
    return raw.strip().lower() not in ("false", "")


def _number(raw: str) -> int | None:
    if not raw.strip():
        return None
    try:
        return int(raw)
    except ValueError:
        raise Refused("Enter a whole number.") from None


def _port(raw: str) -> int | None:
    port = _number(raw)
    if port is None or port == 5247:
        return port
    if not (1024 <= port < 5240 or 5270 < port <= 65535):
        raise Refused("Unable to change port number: reserved for MAAS, or out of range.")
    return port


def _words(raw: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", raw) if word]


def _addresses(raw: str) -> str:
    try:
        return " ".join(str(ipaddress.ip_address(word)) for word in _words(raw))
    except ValueError as failure:
        raise Refused(f"Invalid IP address: {failure}.") from None


def _hosts(raw: str) -> str:
    if bad := [word for word in _words(raw) if not re.fullmatch(r"[A-Za-z0-9.:-]+", word)]:
        raise Refused(f"Invalid hostname: {bad[0]}.")
    return " ".join(_words(raw))


def _acl(raw: str) -> str:
    if bad := [word for word in _words(raw) if not re.fullmatch(r"[A-Za-z0-9_.:/-]+", word)]:
        raise Refused(f"Invalid network: {bad[0]}.")
    return " ".join(_words(raw))


def _url(raw: str) -> str:
    if raw.strip() and not re.match(r"https?://[^/\s]+", raw.strip()):
        raise Refused("Enter a valid URL.")
    return raw.strip()


def _choice(*choices: str) -> Callable[[str], str]:
    def check(raw: str) -> str:
        if raw not in choices:
            raise Refused(f"{raw!r} is not one of: {', '.join(repr(c) for c in choices)}.")
        return raw

    return check


def _nothing_yet(*allowed: str) -> Callable[[str], str]:
    """What comes from imported images, of which there are none."""

    def check(raw: str) -> str:
        if raw not in allowed:
            raise Refused(f"'{raw}' is not valid; it should be one of: '---'.")
        return raw

    return check


def _syslog_target(raw: str) -> str | None:
    target = raw.strip()
    if not target:
        return None
    return target if re.search(r":\d+$", target) else f"{target}:514"


def _domain(raw: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]+", raw):
        raise Refused("Invalid domain name.")
    return raw


def _required(raw: str) -> str:
    if not raw.strip():
        raise Refused("This field is required.")
    return raw.strip()


SETTINGS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    "maas_name": (socket.gethostname(), _required),
    "upstream_dns": (None, _addresses),
    "dnssec_validation": ("auto", _choice("auto", "yes", "no", "")),
    "dns_trusted_acl": (None, _acl),
    "maas_internal_domain": ("maas-internal", _domain),
    "ntp_servers": ("ntp.ubuntu.com", _hosts),
    "ntp_external_only": (False, _boolean),
    "enable_http_proxy": (True, _boolean),
    "use_peer_proxy": (False, _boolean),
    "http_proxy": (None, _url),
    "maas_proxy_port": (8000, _port),
    "maas_syslog_port": (5247, _port),
    "kernel_opts": (None, _text),
    "network_discovery": ("enabled", _choice("enabled", "disabled")),
    "session_length": (1209600, _number),
    "boot_images_auto_import": (True, _boolean),
    "enable_analytics": (True, _boolean),
    "release_notifications": (True, _boolean),
    "prometheus_enabled": (False, _boolean),
    "completed_intro": (False, _boolean),
    "active_discovery_interval": (
        10800,
        _choice("0", "604800", "86400", "43200", "21600", "10800", "3600", "1800", "600"),
    ),
    "default_osystem": ("ubuntu", _nothing_yet()),
    "default_distro_series": ("jammy", _nothing_yet()),
    "commissioning_distro_series": ("jammy", _nothing_yet("")),
    "default_min_hwe_kernel": ("", _nothing_yet("")),
    "remote_syslog": (None, _syslog_target),
    "default_dns_ttl": (30, _number),
    "node_timeout": (30, _number),
    "hardware_sync_interval": ("15m", _text),
    "maas_auto_ipmi_workaround_flags": (None, _text),
}

ALIASES = {"ntp_server": "ntp_servers"}


def get(name: str) -> Any:
    """The stored value, or the default of a fresh database."""
    name = ALIASES.get(name, name)
    row = Config.objects.filter(name=name).first()
    return SETTINGS[name][0] if row is None else row.value


def store(name: str, raw: str) -> None:
    """Check and store."""
    name = ALIASES.get(name, name)
    put(name, SETTINGS[name][1](raw))


def put(name: str, value: Any) -> None:
    Config.objects.update_or_create(name=name, defaults={"value": value})
