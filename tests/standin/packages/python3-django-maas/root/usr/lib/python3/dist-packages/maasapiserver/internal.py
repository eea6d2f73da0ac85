"""The internal API: mutual TLS on a unix socket, to which nginx passes 5242."""

from __future__ import annotations

import contextlib
import socket
import ssl
from functools import partial
from pathlib import Path

from maasserver.region import database, http, listeners
from provisioningserver import log, paths

HANDSHAKE_LIMIT = 60.0


class InternalAPI:
    """Whoever has no certificate of the cluster's CA is dropped (maas-37-region-run.md 4)."""

    def __init__(
        self, certificate: Path, key: Path, authority: Path, application: http.Application
    ) -> None:
        self._application = application
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as in temporalclient.py
        self._context.load_cert_chain(certificate, key)
        self._listener = listeners.unix_listener(paths.internal_apiserver_socket(), 0o666)

    def serve(self) -> None:
        """Until it is closed."""
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            database.in_thread("internal-peer", partial(self._answer, peer))

    def close(self) -> None:
        """Nobody listens any more; the socket's file stays."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, peer: socket.socket) -> None:
        peer.settimeout(HANDSHAKE_LIMIT)
        try:
            with peer, self._context.wrap_socket(peer, server_side=True) as secure:
                http.answer(secure, self._application)
        except OSError as failure:
            log.info("maas.apiserver", f"internal API: connection dropped: {failure}")
