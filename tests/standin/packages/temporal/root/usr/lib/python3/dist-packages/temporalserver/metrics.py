"""A handful of metrics for Prometheus, over plain HTTP (maas-versions.md 6)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

REQUEST_LIMIT = 8192
TIMEOUT = 5.0
PATH = "/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counted by the server, read by whoever scrapes."""

    def __init__(self) -> None:
        self.started = time.time()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.connections: Counter[str] = Counter()
        self.persistence_requests = 0
        self.persistence_errors = 0

    def render(self) -> str:
        lines = [
            "# TYPE build_information gauge",
            'build_information{build_version="standin"} 1',
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self.started:.3f}",
        ]
        for name, counter in (("requests", self.requests), ("errors", self.errors)):
            lines.append(f"# TYPE service_{name} counter")
            lines += (
                f'service_{name}{{service_name="{role}",operation="{operation}"}} {count}'
                for (role, operation), count in sorted(counter.items())
            )
        lines.append("# TYPE service_connections gauge")
        lines += (
            f'service_connections{{service_name="{role}"}} {count}'
            for role, count in sorted(self.connections.items())
        )
        lines += [
            "# TYPE persistence_requests counter",
            f"persistence_requests {self.persistence_requests}",
            "# TYPE persistence_errors counter",
            f"persistence_errors {self.persistence_errors}",
        ]
        return "\n".join(lines) + "\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT)
            words = head.decode("latin-1").split()
            found = len(words) > 1 and words[1].partition("?")[0] == PATH
            status, body = ("200 OK", self.render()) if found else ("404 Not Found", "Not found\n")
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {TYPE}\r\nConnection: close\r\n"
                f"Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
            )
            await asyncio.wait_for(writer.drain(), TIMEOUT)
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            pass
        finally:
            writer.close()
