"""Check: chrony tells the time. What it knows itself, machines get; MAAS gives it a fallback."""

import secrets

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.network import ask_udp

PORT = 123
# RFC 5905 7.3: version 4, mode "client"; mode "server"; the leap indicator "not synchronized"
CLIENT, SERVER, UNSYNCHRONIZED = 4 << 3 | 3, 4, 3


def _make(target: Target) -> Run:
    async def run() -> Failure | None:
        transmitted = secrets.token_bytes(8)
        try:
            answer = await ask_udp(PORT, bytes([CLIENT]) + bytes(39) + transmitted)
        except OSError as error:
            return Failure(
                "chrony does not answer", str(error.strerror), "supervisorctl status chrony"
            )
        if len(answer) < 48 or answer[0] & 7 != SERVER or answer[24:32] != transmitted:
            return Failure("port 123 does not speak NTP")
        if answer[0] >> 6 == UNSYNCHRONIZED:
            return Failure(
                "chrony has no time that it could pass on yet",
                mend="it takes MAAS's setting ntp_servers",
            )
        return None

    return run


CHECK = Check(
    name="ntp",
    proves="chrony tells machines the time",
    means="machines get no time from the region",
    weight=State.DEGRADED,
    period=30.0,
    timeout=5.0,
    make=_make,
    follows=("programs",),
)
