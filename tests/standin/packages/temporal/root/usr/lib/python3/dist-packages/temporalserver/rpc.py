"""gRPC as far as a client needs it that wants to know whether anybody is there.

HTTP/2 by python3-h2: SETTINGS at once, PING and SETTINGS are answered. Health/Check says SERVING;
every other call gets a trailers-only answer, UNIMPLEMENTED.
"""

from __future__ import annotations

import asyncio
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from temporalserver import log
from temporalserver.configuration import Role, Tls, Unusable
from temporalserver.metrics import Metrics

CONNECTIONS = 100
"""At most, for each role; more are closed as they come."""

IDLE = 120.0
"""Seconds without a word; Temporal ends idle connections after two minutes, too."""

WRITE_LIMIT = 10.0
HEALTH = "/grpc.health.v1.Health/Check"
SERVING = b"\x00" + (2).to_bytes(4, "big") + b"\x08\x01"
"""A gRPC message of two bytes: field 1, status, is 1."""

UNIMPLEMENTED = "12"
HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


def server_context(tls: Tls) -> ssl.SSLContext:
    """Mutual TLS: nobody gets in without a certificate of the cluster's authority."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.verify_flags &= (
            ~ssl.VERIFY_X509_STRICT
        )  # Python 3.13: too strict for the certificates
        for authority in tls.client_authorities:
            context.load_verify_locations(authority)
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as failure:
        names = ", ".join((tls.certificate, tls.key, *tls.client_authorities))
        raise Unusable(f"cannot load the certificates {names}: {failure}") from None
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context


class Frontend:
    """Answers the connections to one role's gRPC port."""

    def __init__(self, role: Role, metrics: Metrics) -> None:
        self.role = role
        self.metrics = metrics

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called after the TLS handshake; whatever a client does ends at most its connection."""
        if self.metrics.connections[self.role.name] >= CONNECTIONS:
            writer.close()
            return
        self.metrics.connections[self.role.name] += 1
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        try:
            await self._talk(connection, reader, writer)
        except ProtocolError as failure:
            writer.write(connection.data_to_send())  # it is a GOAWAY
            log.write("warn", f"HTTP/2 broken by the client: {failure}", service=self.role.name)
        except (OSError, UnicodeDecodeError, asyncio.TimeoutError):
            pass
        finally:
            self.metrics.connections[self.role.name] -= 1
            writer.close()

    async def _talk(
        self, connection: H2Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection.initiate_connection()
        checks: set[int] = set()
        while True:
            writer.write(connection.data_to_send())
            await asyncio.wait_for(writer.drain(), WRITE_LIMIT)
            data = await asyncio.wait_for(reader.read(65536), IDLE)
            if not data:
                return
            for event in connection.receive_data(data):
                if isinstance(event, ConnectionTerminated):
                    return
                self._handle(connection, event, checks)

    def _handle(self, connection: H2Connection, event: Event, checks: set[int]) -> None:
        if isinstance(event, RequestReceived):
            path = dict(event.headers).get(":path", "")
            if path == HEALTH:
                checks.add(event.stream_id)
            else:
                self._refuse(connection, event, path)
        elif isinstance(event, DataReceived):
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            checks.discard(event.stream_id)
        elif isinstance(event, StreamEnded) and event.stream_id in checks:
            checks.discard(event.stream_id)
            self.metrics.requests[self.role.name, "Check"] += 1
            connection.send_headers(event.stream_id, HEADERS)
            connection.send_data(event.stream_id, SERVING)
            connection.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)

    def _refuse(self, connection: H2Connection, event: RequestReceived, path: str) -> None:
        """At once, without waiting for the rest of the request."""
        self.metrics.requests[self.role.name, "other"] += 1
        self.metrics.errors[self.role.name, "other"] += 1
        text = "the stand-in for Temporal runs no workflow"
        trailers = [*HEADERS, ("grpc-status", UNIMPLEMENTED), ("grpc-message", text)]
        connection.send_headers(event.stream_id, trailers, end_stream=True)
        if event.stream_ended is None:
            connection.reset_stream(event.stream_id, ErrorCodes.NO_ERROR)
        log.info(f"call of {path[:100]} refused", service=self.role.name)


async def discard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The membership ports: there is somebody, but nobody to gossip with."""
    writer.close()
