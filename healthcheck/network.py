"""Ways to ask a service of this container something."""

import asyncio
import errno
import os
import socket
import ssl
from pathlib import Path

import httpx

LOCALHOST = "127.0.0.1"
UDP_SECONDS = 3.0
# What httpx raises where there is no answer, or none that it understands: it looks at where a
# redirect leads even when it does not follow it.
NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)

# For those clients that never speak TLS, or to whoever it is on loopback: without it, each of
# httpx's clients loads the CAs of the whole world, some MB.
_TRUSTS_ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TRUSTS_ANYBODY.check_hostname = False
_TRUSTS_ANYBODY.verify_mode = ssl.CERT_NONE


def unix_client(path: Path, timeout: float) -> httpx.AsyncClient:
    """Make a client for HTTP on a unix socket. `timeout` is in seconds."""
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=_TRUSTS_ANYBODY)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=timeout)


def local_client(timeout: float, base_url: str = "") -> httpx.AsyncClient:
    """Make a client for HTTP on ports of this container, with TLS of any certificate.

    The certificate's name is the region's, and its issuer may be anybody. `timeout` is in seconds.
    """
    return httpx.AsyncClient(
        base_url=base_url, timeout=timeout, trust_env=False, verify=_TRUSTS_ANYBODY
    )


def cluster_context(certificates: Path) -> ssl.SSLContext:
    """Make a context for TLS with the certificates of MAAS's cluster, which prove who we are.

    Raises OSError, ssl.SSLError.
    """
    context = ssl.create_default_context(cafile=str(certificates / "cacerts.pem"))
    # with a password, for OpenSSL would ask for one on the terminal, or wait at a pipe for ever
    context.load_cert_chain(certificates / "cluster.pem", certificates / "cluster.key", "")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13's default, but not MAAS's
    return context


async def ask_udp(port: int, question: bytes) -> bytes:
    """Send a datagram to a port of this container, and return the answer.

    Raises OSError, also when there is none within UDP_SECONDS.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((LOCALHOST, port))
        await loop.sock_sendall(client, question)
        try:
            return await asyncio.wait_for(loop.sock_recv(client, 4096), UDP_SECONDS)
        except asyncio.TimeoutError:  # not an OSError before Python 3.11
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None


async def connect_tcp(port: int) -> None:
    """Connect to a port of this container, and close again. Raises OSError."""
    _, writer = await asyncio.open_connection(LOCALHOST, port)
    writer.close()
