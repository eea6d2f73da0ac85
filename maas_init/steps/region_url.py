"""Check beside the other steps: whether the container can reach what MAAS_URL names.

MAAS's own host posts its hardware to that address; when it cannot, the region never gets its
interfaces and subnets, and nothing says so (facts/maas-versions.md 0.9).
"""

import socket
import threading
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2.0


class Check:
    """A check that is under way in a thread of its own, for it may take its time."""

    def __init__(self, url: str) -> None:
        self._doubt: str | None = f"cannot look up the host of MAAS_URL ({url}) in time"
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def doubt(self) -> str | None:
        """Return what is doubtful about the address, if anything; wait a little for it."""
        self._thread.join(TIMEOUT_SECONDS)
        return self._doubt

    def _run(self, url: str) -> None:
        self._doubt = find_doubt(url)


def find_doubt(url: str) -> str | None:
    """Return why the address may not do for machines, or for the container itself."""
    parts = urlsplit(url)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    mend = (
        "MAAS must reach its own address, else it never learns its networks."
        " Set MAAS_URL to an address that machines and this container reach"
    )
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, port)}
    except (OSError, UnicodeError):
        return f"cannot find the host of MAAS_URL ({url}) from inside the container: {mend}"
    if all(str(address).startswith("127.") or address == "::1" for address in addresses):
        return (
            f"MAAS_URL ({url}) is the container's own loopback, which no machine can reach. Set it"
            " to an address that machines and this container reach"
        )
    try:
        socket.create_connection((host, port), TIMEOUT_SECONDS).close()
    except ConnectionRefusedError:  # the host is there, and regiond not yet
        return None
    except OSError as error:
        why = error.strerror or "no answer"
        return f"cannot reach MAAS_URL ({url}) from inside the container ({why}): {mend}"
    return None
