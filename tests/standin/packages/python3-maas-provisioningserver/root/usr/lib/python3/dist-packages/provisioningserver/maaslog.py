"""MAAS's own log: datagrams to rsyslog's socket, `maas.<name>: [level] text`.

While nobody listens there, every line ends as a traceback of some 40 lines on stderr
(maas-region-run.md 7.4). The connection is made anew when rsyslog was restarted.
"""

from __future__ import annotations

import logging
import socket

from provisioningserver import paths

FACILITY = 3
"""daemon"""

LEVELS = {
    logging.INFO: ("info", 6),
    logging.WARNING: ("warn", 4),
    logging.ERROR: ("error", 3),
    logging.CRITICAL: ("critical", 2),
}


class _SyslogHandler(logging.Handler):
    """Sends on a connection, and once more on a new one."""

    def __init__(self) -> None:
        super().__init__()
        self._socket: socket.socket = None  # type: ignore[assignment]

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(self._datagram(record))
        except Exception:
            self.handleError(record)

    def _datagram(self, record: logging.LogRecord) -> bytes:
        level, severity = LEVELS[record.levelno]
        text = f"<{FACILITY * 8 + severity}>{record.name}: [{level}] {record.getMessage()}"
        return text.encode()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except (AttributeError, OSError):
            self._connect()
            self._socket.send(datagram)

    def _connect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None  # type: ignore[assignment]
        connecting = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            connecting.connect(str(paths.syslog_socket()))
        except OSError:
            connecting.close()
            raise
        self._socket = connecting


_root = logging.getLogger("maas")
_root.setLevel(logging.INFO)
_root.propagate = False
_root.addHandler(_SyslogHandler())


def get(name: str) -> logging.Logger:
    """The logger with the tag `maas.<name>`."""
    return _root.getChild(name)
