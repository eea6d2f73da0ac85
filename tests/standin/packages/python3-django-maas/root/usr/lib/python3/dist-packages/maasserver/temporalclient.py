"""A client of Temporal's frontend: mutual TLS, HTTP/2, one health check (maas-region-run.md 1)."""

from __future__ import annotations

import socket
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from provisioningserver import paths

ADDRESS = ("localhost", 5271)
SERVER_NAME = "maas"
LIMIT = 5.0
PING = 10.0
SERVICE = b"temporal.api.workflowservice.v1.WorkflowService"
REQUEST = b"\x0a" + bytes([len(SERVICE)]) + SERVICE
"""grpc.health.v1.HealthCheckRequest: field 1, the name of a service."""

MESSAGE = b"\x00" + len(REQUEST).to_bytes(4, "big") + REQUEST
HEADERS = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", SERVER_NAME),
    (":path", "/grpc.health.v1.Health/Check"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]


class Unavailable(Exception):
    """There is no Temporal, or it does not accept the cluster's certificate."""


class TemporalConnection:
    """A connection over which Temporal has answered once."""

    def __init__(self) -> None:
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        try:
            self._tls = _secure()
            self._check()
        except (OSError, ProtocolError) as failure:
            raise Unavailable(f"{ADDRESS[0]}:{ADDRESS[1]}: {failure}") from failure

    def wait_until_lost(self) -> None:
        """A PING every ten seconds; returns when there is no answer or the other end closes."""
        self._tls.settimeout(PING)
        answered = True
        try:
            while True:
                try:
                    events = self._receive()
                except TimeoutError:
                    if not answered:
                        return
                    answered = False
                    self._http.ping(bytes(8))
                    self._flush()
                    continue
                answered = answered or any(isinstance(e, PingAckReceived) for e in events)
        except (OSError, ProtocolError):
            return
        finally:
            self._tls.close()

    def _check(self) -> None:
        self._http.initiate_connection()
        stream = self._http.get_next_available_stream_id()
        self._http.send_headers(stream, HEADERS)
        self._http.send_data(stream, MESSAGE, end_stream=True)
        self._flush()
        while True:
            for event in self._receive():
                if isinstance(event, StreamReset):
                    raise ProtocolError(f"call broken off with error {event.error_code}")
                if isinstance(event, (ResponseReceived, TrailersReceived)):
                    status = dict(event.headers).get("grpc-status")
                    if status == "0":
                        return
                    if status is not None:
                        raise ProtocolError(f"gRPC status {status}")

    def _receive(self) -> list[Event]:
        data = self._tls.recv(65536)
        if not data:
            raise ConnectionResetError("the connection was closed")
        events: list[Event] = self._http.receive_data(data)
        for event in events:
            if isinstance(event, DataReceived):
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, ConnectionTerminated):
                raise ConnectionResetError("the server ended the connection")
        self._flush()
        return events

    def _flush(self) -> None:
        self._tls.sendall(self._http.data_to_send())


def _secure() -> ssl.SSLSocket:
    directory = paths.certificates()
    context = ssl.create_default_context(cafile=str(directory / "cacerts.pem"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13: too strict for the certificates
    context.load_cert_chain(directory / "cluster.pem", directory / "cluster.key")
    context.set_alpn_protocols(["h2"])
    raw = socket.create_connection(ADDRESS, timeout=LIMIT)
    try:
        return context.wrap_socket(raw, server_hostname=SERVER_NAME)
    except OSError:
        raw.close()
        raise
