"""Check: regiond's parent and each of its workers give an answer, whichever.

A worker's own socket is asked for what needs no database on 3.5 (facts/maas-versions.md 7; on 3.7
it does, maas-37-region-run.md 8), and the parent's port of metrics for a page that it does not
have. What counts is that somebody answers.
"""

import asyncio
from pathlib import Path

import httpx

from healthcheck.check import Check, Failure, Run, State, Target
from healthcheck.network import LOCALHOST, NO_ANSWER, local_client, unix_client

PARENT_PORT = 5239
PATH = "/MAAS/api/version/"
REQUEST_TIMEOUT_SECONDS = 5.0


def _make(target: Target) -> Run:
    clients = {"parent": local_client(REQUEST_TIMEOUT_SECONDS, f"http://{LOCALHOST}:{PARENT_PORT}")}

    async def run() -> Failure | None:
        sockets = _sockets(target.worker_sockets)
        if not sockets:
            return Failure("regiond does not listen yet", silent=True)
        names = ["parent", *(f"worker {socket.suffix[1:]}" for socket in sockets)]
        for name, socket in zip(names[1:], sockets, strict=True):
            if name not in clients:
                clients[name] = unix_client(socket, REQUEST_TIMEOUT_SECONDS)
        answers = await asyncio.gather(*(_answers(clients[name]) for name in names))
        silent = [name for name, answer in zip(names, answers, strict=True) if not answer]
        if not silent:
            return None
        return Failure(f"no answer from regiond's {', '.join(silent)}", silent=True)

    return run


def _sockets(base: Path) -> list[Path]:
    return [
        path for path in sorted(base.parent.glob(f"{base.name}.*")) if path.suffix[1:].isdigit()
    ]


async def _answers(client: httpx.AsyncClient) -> bool:
    path = PATH if client.base_url.host == "localhost" else "/"
    try:
        async with client.stream("GET", path):
            return True
    except NO_ANSWER:
        return False


CHECK = Check(
    name="regiond",
    proves="regiond's parent and each of its workers answer",
    means="MAAS hangs: when that lasts regiond is restarted, unless MAAS_HEAL is no",
    weight=State.UNHEALTHY,
    period=5.0,  # a restart, which takes 6 to 8 s, is never overlooked
    timeout=7.0,
    make=_make,
    follows=("programs",),
)
