"""Check: named answers for a zone of MAAS's."""

import secrets
import struct

from healthcheck.check import Check, Failure, Run, State, Target, Thread
from healthcheck.network import ask_udp
from healthcheck.region_files import find

PORT = 53
ZONE = r'^zone "([^"]+)" \{\s*type (?:master|primary);'
SOA, IN = 6, 1
# RFC 1035 2.3.4
LONGEST_LABEL, LONGEST_NAME = 63, 254
# RFC 1035 4.1.1
IS_ANSWER, AUTHORITATIVE, RESPONSE_CODE = 0x8000, 0x0400, 0x000F


def _make(target: Target) -> Run:
    thread = Thread()

    async def run() -> Failure | None:
        zone = await thread.run(find, ZONE, target.dns / "named.conf.maas")
        if zone is None:
            return Failure("regiond has not written its zones yet")
        try:
            flags = await _ask_for_soa(zone)
        except OSError as error:
            return Failure(
                "named does not answer", str(error.strerror), "supervisorctl status bind9"
            )
        if flags & RESPONSE_CODE or not flags & AUTHORITATIVE:
            return Failure(
                "named does not serve a zone of MAAS's",
                f"{zone}, answer code {flags & RESPONSE_CODE}; its log says why",
                "supervisorctl restart bind9",
            )
        return None

    return run


async def _ask_for_soa(zone: str) -> int:
    """Return the flags of the answer. Raises OSError.

    A name that is too long for DNS is cut off, and is no zone of named's.
    """
    labels = [label.encode()[:LONGEST_LABEL] for label in zone.rstrip(".").split(".")]
    name = b"".join(bytes([len(label)]) + label for label in labels)[:LONGEST_NAME] + b"\0"
    question = secrets.token_bytes(2) + struct.pack(">5H", 0, 1, 0, 0, 0)
    answer = await ask_udp(PORT, question + name + struct.pack(">2H", SOA, IN))
    identity, flags = answer[:2], int.from_bytes(answer[2:4], "big")
    if identity != question[:2] or not flags & IS_ANSWER:
        raise OSError(0, "something else does")
    return flags


CHECK = Check(
    name="dns",
    proves="named answers for a zone of MAAS's",
    means="machines cannot find the region by name",
    weight=State.UNHEALTHY,
    period=10.0,
    timeout=5.0,
    make=_make,
    follows=("programs",),
)
