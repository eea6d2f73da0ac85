"""The files for nginx and squid, written where MAAS writes them (maas-region-run.md 1)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from provisioningserver import paths, release
from provisioningserver.files import atomic_write

from maasserver.region import certificates

NGINX = """\
# Written by the stand-in for MAAS. Changes are lost.
upstream maas-regiond-webapp {{
    least_conn;
{workers}}}

upstream maas-apiserver {{
    server unix:{apiserver};
}}

{machines}server {{
{listen}
    client_max_body_size 0;
    proxy_read_timeout 300;

    location = / {{ return 301 /MAAS/r/; }}
    location = /MAAS {{ return 301 /MAAS/r/; }}
    location = /MAAS/ {{ return 301 /MAAS/r/; }}
    location = /MAAS/metrics {{ return 404; }}

    location /MAAS/r/ {{
        alias /usr/share/maas/web/static/;
        index index.html;
    }}

    location /MAAS/machine-resources/ {{ alias /usr/share/maas/machine-resources/; }}
    location = /metrics/temporal {{ proxy_pass http://127.0.0.1:9000/metrics; }}
    location /MAAS/a/ {{ proxy_pass http://maas-apiserver{apiserver_root}; }}

    location /MAAS/ {{
{proxy}    }}
}}
"""

PROXY = """\
        proxy_pass http://maas-regiond-webapp;
        proxy_set_header Host $http_host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
"""

PLAIN = """\
    listen [::]:5240;
    listen 5240;
"""

TLS = """\
    listen [::]:{port} ssl http2;
    listen {port} ssl http2;
    ssl_certificate {certificates}/regiond-proxy.pem;
    ssl_certificate_key {certificates}/regiond-proxy-key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    add_header Strict-Transport-Security "max-age={hsts}" always;
"""

MACHINES = """\
server {{
    listen [::]:5240;
    listen 5240;
    client_max_body_size 0;

    location /MAAS/machine-resources/ {{ alias /usr/share/maas/machine-resources/; }}
    location ~ ^/MAAS/(rpc/|metadata/|api/2.0/machines) {{
{proxy}    }}
    location ~ ^/MAAS/(boot-resources|images-stream|maas-run-scripts) {{
{proxy}    }}
    location /MAAS {{ return 301 https://$host:{port}$request_uri; }}
}}

"""
"""With TLS on, what machines and racks need stays on 5240 (maas-operate.md 3)."""

STREAM = """\
# Written by the stand-in for MAAS. Changes are lost.
server {{
    listen [::]:5242;
    listen 5242;
    proxy_pass unix:{socket};
}}
"""
"""TLS is apiserver's (maas-37-region-run.md 4)."""

SQUID = """\
# Written by the stand-in for MAAS. Changes are lost.
{acl}acl SSL_ports port 443
acl Safe_ports port 80 443 21 8000 3128 5240 5248 1025-65535
acl CONNECT method CONNECT
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access deny manager
{allow}http_access allow localhost
http_access deny all
http_port 3128 transparent
http_port {port}
{peer}refresh_pattern Release$ 0 20% 2880
refresh_pattern Packages 0 20% 2880
refresh_pattern \\.deb$ 129600 100% 129600
refresh_pattern . 0 20% 4320
refresh_all_ims on
cache_dir aufs /var/spool/maas-proxy 40000 16 256
cache_mem 512 MB
maximum_object_size 3000 MB
maximum_object_size_in_memory 16 MB
coredump_dir /var/spool/maas-proxy
access_log syslog:local5.info squid
cache_log /var/log/maas/proxy/cache.log
visible_hostname maas-proxy
"""


def write_nginx(workers: int) -> bool:
    """Upstreams over the workers' sockets; nginx's own 10 s fail_timeout is part of the
    behaviour: asked too early it writes them off (maas-region-run.md 5, "Probe trap")."""
    servers = "".join(
        f"    server unix:{paths.worker_socket(number)};\n" for number in range(workers)
    )
    listen, machines = PLAIN, ""
    tls = certificates.tls()
    if tls is not None:
        directory = _write_certificate(tls)
        listen = TLS.format(port=tls["port"], certificates=directory, hsts=release.HSTS_SECONDS)
        machines = MACHINES.format(port=tls["port"], proxy=PROXY)
    text = NGINX.format(
        workers=servers,
        apiserver=paths.apiserver_socket(),
        apiserver_root="" if release.INTERNAL_API else "/",
        listen=listen,
        machines=machines,
        proxy=PROXY,
    )
    return atomic_write(paths.http_config() / "regiond.nginx.conf", text)


def write_nginx_stream() -> None:
    """3.6 and later."""
    if release.INTERNAL_API:
        text = STREAM.format(socket=paths.internal_apiserver_socket())
        atomic_write(paths.http_config() / "regiond.nginx.stream.conf", text)


def _write_certificate(tls: dict[str, Any]) -> Path:
    """They stay there when TLS is switched off."""
    directory = paths.http_config() / "certs"
    directory.mkdir(mode=0o750, exist_ok=True)
    chain = "".join(f"{part.strip()}\n" for part in (tls["cert"], tls["cacert"]) if part)
    atomic_write(directory / "regiond-proxy.pem", chain, 0o644)
    atomic_write(directory / "regiond-proxy-key.pem", tls["key"], 0o600)
    return directory


def write_squid(subnets: Iterable[str], port: int | None, peer: str | None) -> bool:
    """Clients of the known subnets may use the proxy; an unset port is 8000 (1.3)."""
    networks = sorted(subnets)
    text = SQUID.format(
        acl="".join(f"acl localnet src {network}\n" for network in networks),
        allow="http_access allow localnet\n" if networks else "",
        port=port or 8000,
        peer=_peer(peer) if peer else "",
    )
    return atomic_write(paths.proxy_config(), text)


def _peer(url: str) -> str:
    host, _, port = url.split("://", 1)[-1].strip("/").rpartition("@")[2].partition(":")
    return f"cache_peer {host} parent {port or 3128} 0 no-query default\nnever_direct allow all\n"
