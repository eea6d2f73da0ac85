"""Ways to ask a service of this container something."""

import asyncio
import socket
from pathlib import Path

import httpx

LOCALHOST = "127.0.0.1"


def unix_client(path: Path, timeout: float) -> httpx.AsyncClient:
    """Make a client for HTTP on a unix socket. `timeout` is in seconds."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=timeout)


async def ask_udp(port: int, question: bytes) -> bytes:
    """Send a datagram to a port of this container, and return the answer. Raises OSError."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((LOCALHOST, port))
        await loop.sock_sendall(client, question)
        return await loop.sock_recv(client, 4096)


async def connect_tcp(port: int) -> None:
    """Connect to a port of this container, and close again. Raises OSError."""
    _, writer = await asyncio.open_connection(LOCALHOST, port)
    writer.close()
