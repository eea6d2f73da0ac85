import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.checks import regiond

ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


def ask(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, *silent: str, workers: int = 2
) -> str:
    """Ask a parent and workers of which some take connections and are silent."""
    monkeypatch.setattr(regiond, "REQUEST_TIMEOUT_SECONDS", 0.3)

    async def answer(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if name in silent:
            await asyncio.sleep(1)
        writer.write(ERROR)
        writer.close()

    async def run() -> str:
        base = Path(environment["MAAS_HTTP_SOCKET_WORKER_BASE_PATH"])
        base.parent.mkdir(parents=True)
        async with contextlib.AsyncExitStack() as stack:
            parent = await asyncio.start_server(lambda r, w: answer("parent", r, w), "127.0.0.1", 0)
            await stack.enter_async_context(parent)
            monkeypatch.setattr(regiond, "PARENT_PORT", parent.sockets[0].getsockname()[1])
            for number in range(workers):
                await stack.enter_async_context(
                    await asyncio.start_unix_server(
                        lambda r, w, name=f"worker {number}": answer(name, r, w),
                        f"{base}.{number}",
                    )
                )
            return check_run.reason(await check_run.run(regiond.CHECK, environment))

    return asyncio.run(run())


def test_an_error_is_an_answer(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(environment, monkeypatch) == "passed"


@pytest.mark.parametrize("silent", [("parent",), ("worker 1",), ("parent", "worker 0")])
def test_who_is_silent_is_named(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, silent: tuple[str, ...]
) -> None:
    answer = ask(environment, monkeypatch, *silent)
    assert answer == f"no answer from regiond's {', '.join(silent)}"


def test_before_the_first_worker_listens(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(environment, monkeypatch, workers=0) == "regiond does not listen yet"
