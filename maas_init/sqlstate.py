"""Asks PostgreSQL why it refuses a connection, in a way that does not depend on its language.

libpq tells no SQLSTATE of a connection that failed, only the server's text, which is in the
server's language. Its protocol trace has it.
"""

import contextlib
import os
import re
import select
import socket
import time

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import abc

_SQLSTATE = re.compile(rb'ErrorResponse\t.* C "([0-9A-Z]{5})" ')


def of_failed_connection(conninfo: str, timeout: float) -> str | None:
    """Try to connect once more; return the SQLSTATE of the server's refusal.

    None where no server answered within `timeout` seconds, or where it lets us in now. The trace,
    which may hold the password, is in memory only.
    """
    trace = os.memfd_create("trace")
    try:
        connection = pq.PGconn.connect_start(_with_address(conninfo).encode())
        try:
            if connection.status == pq.ConnStatus.BAD:  # no such host, for example
                return None
            connection.trace(trace)
            _finish(connection, timeout)
            connection.untrace()
        finally:
            connection.finish()
        found = _SQLSTATE.findall(os.pread(trace, os.fstat(trace).st_size, 0))
        return found[-1].decode() if found else None
    finally:
        os.close(trace)


def _with_address(conninfo: str) -> str:
    """Look the host up here: libpq would stop all of Python's threads meanwhile."""
    parameters = conninfo_to_dict(conninfo)
    host = str(parameters.get("host", "/"))
    if not host.startswith("/"):
        with contextlib.suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(host, parameters.get("port"), type=socket.SOCK_STREAM)
            return make_conninfo(conninfo, hostaddr=str(found[0][4][0]))
    return conninfo


def _finish(connection: abc.PGconn, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        status = connection.connect_poll()
        if status == pq.PollingStatus.READING:
            select.select([connection.socket], [], [], left)
        elif status == pq.PollingStatus.WRITING:
            select.select([], [connection.socket], [], left)
        else:
            return
