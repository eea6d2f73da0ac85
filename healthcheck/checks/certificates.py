"""Check: no certificate that MAAS serves expires soon.

Each is looked at as its clients see it, in a handshake, and not as a file: nginx and Temporal may
still have an older one.
"""

import asyncio
import ssl
import time

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.checks.temporal import PORT as TEMPORAL_PORT
from healthcheck.checks.temporal import SERVER_NAME
from healthcheck.network import LOCALHOST, cluster_context
from healthcheck.region_files import find_port

EARLY_DAYS = 30
DAY_SECONDS = 24 * 3600.0
HANDSHAKE_SECONDS = 4.0
EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED, openssl-verification-options(1)
READING = "maas_certificate_expiry_timestamp_seconds"
TLS_PORT = r"^\s*listen\s+(?:\[::\]:)?(\d+) ssl"
# In the order in which they are told of.
MEND = {
    "web": "docker compose exec maas maas-region config-tls enable KEY CERT --yes",
    "cluster": "docs/operations.md, Trouble by symptom",
}


def _make(target: Target) -> Run:
    thread = Thread()

    async def run() -> Failure | None:
        expiries: dict[str, float] = {}
        failures = []
        web_port = await thread.run(find_port, TLS_PORT, target.http / "regiond.nginx.conf")
        endpoints = [("cluster", TEMPORAL_PORT)]
        if web_port:
            endpoints.insert(0, ("web", web_port))
        for name, port in endpoints:
            try:
                context = await thread.run(_context, name, target)
                handshake = _expiry(port, context, name)
                expiries[name] = await asyncio.wait_for(handshake, HANDSHAKE_SECONDS)
            except ssl.SSLCertVerificationError as error:
                expired = error.verify_code == EXPIRED
                what = "has expired" if expired else "is not the one that MAAS has written"
                failures.append(Failure(f"the {name} certificate {what}", mend=MEND[name]))
            except (OSError, ssl.SSLError, asyncio.TimeoutError):
                continue  # the checks `api` and `temporal` say why nobody answers
            else:
                days = (expiries[name] - time.time()) / DAY_SECONDS
                if days < EARLY_DAYS:
                    reason = f"the {name} certificate expires in {max(days, 0):.0f} days"
                    failures.append(Failure(reason, mend=MEND[name]))
        target.readings[READING] = expiries
        return failures[0] if failures else None

    return run


def _context(name: str, target: Target) -> ssl.SSLContext:
    """Make a context that trusts what MAAS has written, and nothing else."""
    if name == "cluster":
        return cluster_context(target.data / "certificates")
    context = ssl.create_default_context(cafile=str(target.http / "certs/regiond-proxy.pem"))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def _expiry(port: int, context: ssl.SSLContext, name: str) -> float:
    """Return, as a Unix time, until when a port's certificate is valid. Raises OSError."""
    server_name = SERVER_NAME if name == "cluster" else LOCALHOST
    _, writer = await asyncio.open_connection(
        LOCALHOST, port, ssl=context, server_hostname=server_name
    )
    try:
        certificate = writer.get_extra_info("peercert")
        return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
    finally:
        writer.transport.abort()


CHECK = Check(
    name="certificates",
    proves=f"MAAS's certificates are good for {EARLY_DAYS} days and more",
    means="browsers, racks or Temporal's clients refuse to connect, now or soon",
    weight=State.DEGRADED,
    period=60.0,
    timeout=10.0,
    make=_make,
)
