#!/opt/truenas-maas/bin/python3 -IS
"""The probe that Docker runs every 30 s for years: asks the monitor's socket.

Run by path, without site-packages, and with `_socket` instead of `socket`, it takes 8 ms
(facts/supervisors.md D). Whatever it is asked beyond the probe's own work is done by the package.
"""

import _socket
import os
import sys

SOCKET = "/run/maas/healthcheck.sock"
TIMEOUT_SECONDS = 4.0
HINT = "supervisorctl restart healthcheck"
PATHS = {(): "/probe", ("--verbose",): "/table"}


def ask(path: str) -> tuple[int, str]:
    """Return the monitor's exit status and text. Raises OSError, ValueError."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(SOCKET)
    connection.send(f"GET {path} HTTP/1.1\r\nHost: healthcheck\r\n\r\n".encode())
    answer = b""
    while part := connection.recv(65536):
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return (0 if status == 200 else 1), body.decode()


def main() -> int:
    """Print the monitor's text; return its exit status."""
    arguments = tuple(sys.argv[1:])
    if arguments not in PATHS:
        python = sys.executable
        os.execv(python, [python, "-I", "-m", "healthcheck", *arguments])
    try:
        status, text = ask(PATHS[arguments])
    except (OSError, ValueError, IndexError) as error:
        status, text = 1, f"unhealthy: the monitor does not answer on {SOCKET}: {error} ({HINT})\n"
    sys.stdout.write(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
