#!/opt/truenas-maas/bin/python3 -IS
"""The probe that Docker runs every 30 s for years: asks the monitor's socket.

Run by path, without site-packages, with `_socket` and `posix` instead of `socket` and `os`, and
ended without a clean-up, it takes hardly longer than the interpreter (facts/supervisors.md D).
Whatever it is asked beyond the probe's own work is done by the package.
Its exit status is 0 or 1 only: Docker reserves the others.
"""

import _socket
import posix
import sys
from time import monotonic

SOCKET = "/run/maas/healthcheck.sock"
TIMEOUT_SECONDS = 4.0
LONGEST_BYTES = 1 << 20
HINT = "supervisorctl restart healthcheck; healthcheck --direct asks without it"
PATHS = {(): "/probe", ("--verbose",): "/table", ("--json",): "/json"}


def ask(path: str) -> tuple[int, str]:
    """Return the monitor's exit status and text. Raises OSError, ValueError, IndexError."""
    deadline = monotonic() + TIMEOUT_SECONDS
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(SOCKET)
    connection.send(f"GET {path} HTTP/1.1\r\nHost: healthcheck\r\n\r\n".encode())
    answer = b""
    while part := connection.recv(65536):
        answer += part
        left = deadline - monotonic()
        if left <= 0 or len(answer) > LONGEST_BYTES:
            raise OSError("its answer does not end")
        connection.settimeout(left)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if not body:
        raise ValueError("its answer is empty")
    return (0 if status == 200 else 1), body.decode()


def main() -> int:
    """Print the monitor's text; return its exit status."""
    arguments = tuple(sys.argv[1:])
    if arguments not in PATHS:
        python = sys.executable
        posix.execv(python, [python, "-I", "-m", "healthcheck", *arguments])
    try:
        status, text = ask(PATHS[arguments])
    except (OSError, ValueError, IndexError) as error:
        reason = f"the monitor does not answer on {SOCKET}: {error} ({HINT})"
        status, text = 1, f"unhealthy: {reason}\n"
        if arguments == ("--json",):
            import json

            text = f"{json.dumps({'state': 'unhealthy', 'healthy': False, 'reasons': [reason]})}\n"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:  # a pipe that nobody reads
        return 1
    return status


if __name__ == "__main__":
    posix._exit(main())
