"""The files that MAAS writes for BIND (maas-region-run.md 1 and 3; all accepted by named 9.18)."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from provisioningserver import paths
from provisioningserver.files import atomic_write

HEADER = "// Written by the stand-in for MAAS. Changes are lost.\n"
RNDC_KEY_NAME = "rndc-maas-key"
TSIG_KEY_NAME = "maas."
DEFAULT_RNDC_PORT = 953
DOMAIN = "maas"

KEYS = "keys.conf.maas"
RNDC = "rndc.conf.maas"
CONTROLS = "named.conf.rndc.maas"
OPTIONS = "named.conf.options.inside.maas"
CONFIG = "named.conf.maas"


def setup_dns(clobber: bool) -> None:
    """Keys, controls and first configuration; old zone files are removed."""
    directory = paths.dns_config()
    directory.mkdir(parents=True, exist_ok=True)
    if not clobber and (directory / CONFIG).exists():
        return
    for zone in paths.zone_files().glob("zone.*"):
        zone.unlink()
    _write_keys(directory)
    write_options([], "auto")
    write_config({}, ["localhost"])


def _write_keys(directory: Path) -> None:
    command = ["tsig-keygen", TSIG_KEY_NAME]
    tsig = subprocess.run(command, capture_output=True, text=True, check=True)
    atomic_write(directory / KEYS, tsig.stdout, 0o640)
    command = ["rndc-confgen", "-b", "256", "-k", RNDC_KEY_NAME]
    confgen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r'^key "[^"]+" \{.*?^\};', confgen, re.MULTILINE | re.DOTALL)
    if found is None:
        raise RuntimeError("rndc-confgen printed no key")
    key = found.group(0)
    port = int(os.environ.get("MAAS_DNS_RNDC_PORT") or 954)
    client = (
        f'{HEADER}{key}\n\noptions {{\n\tdefault-key "{RNDC_KEY_NAME}";\n'
        f"\tdefault-server 127.0.0.1;\n\tdefault-port {port};\n}};\n"
    )
    server = (
        f"{HEADER}{key}\n\ncontrols {{\n\tinet 127.0.0.1 port {port} allow {{ localhost; }} "
        f'keys {{ "{RNDC_KEY_NAME}"; }};\n}};\n'
    )
    if os.environ.get("MAAS_DNS_DEFAULT_CONTROLS", "1") not in ("0", ""):
        server += (
            f"controls {{\n\tinet 127.0.0.1 port {DEFAULT_RNDC_PORT} allow {{ localhost; }};\n}};\n"
        )
    atomic_write(directory / RNDC, client, 0o600)
    atomic_write(directory / CONTROLS, server, 0o640)


def write_options(forwarders: Iterable[str], dnssec_validation: str) -> bool:
    """What an `options {}` block includes."""
    lines = [HEADER]
    servers = " ".join(f"{server};" for server in forwarders)
    if servers:
        lines.append(f"forwarders {{ {servers} }};\n")
    lines.append(f"dnssec-validation {dnssec_validation};\n")
    lines.append("empty-zones-enable no;\n")
    lines.append("allow-query { any; };\n")
    lines.append("allow-recursion { trusted; };\n")
    lines.append("allow-query-cache { trusted; };\n")
    return atomic_write(paths.dns_config() / OPTIONS, "".join(lines))


def write_config(zones: dict[str, Path], trusted: Iterable[str]) -> bool:
    """Controls, keys, the ACL "trusted" and the zones."""
    directory = paths.dns_config()
    text = f'{HEADER}include "{directory / CONTROLS}";\ninclude "{directory / KEYS}";\n\n'
    members = "".join(f"\t{member};\n" for member in trusted)
    text += f'acl "trusted" {{\n{members}}};\n'
    for name, path in sorted(zones.items()):
        text += (
            f'\nzone "{name}" {{\n\ttype primary;\n\tfile "{path}";\n'
            f"\tallow-update {{ key {TSIG_KEY_NAME}; }};\n}};\n"
        )
    return atomic_write(directory / CONFIG, text)


def write_zone(hosts: dict[str, list[str]], name_server: str, ttl: int = 30) -> tuple[Path, bool]:
    """Zone `maas` with an address record for each controller; the serial is the time."""
    path = paths.zone_files() / f"zone.{DOMAIN}"
    body = f"@ IN NS {name_server}.\n"
    for host, addresses in sorted(hosts.items()):
        for address in addresses:
            body += f"{host} IN {'AAAA' if ':' in address else 'A'} {address}\n"
    old = path.read_text() if path.exists() else ""
    if old.endswith(body):
        return path, False
    soa = f"@ IN SOA {DOMAIN}. nobody.example.com. {int(time.time())} 600 1800 604800 {ttl}\n"
    text = f"; Written by the stand-in for MAAS.\n$TTL {ttl}\n{soa}{body}"
    return path, atomic_write(path, text)


def rndc(*arguments: str) -> None:
    """Talk to named through MAAS's own rndc.conf."""
    command = ["rndc", "-c", str(paths.dns_config() / RNDC), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: rc {done.returncode}: {done.stderr.strip()}")
