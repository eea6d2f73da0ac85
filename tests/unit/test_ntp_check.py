import asyncio
from collections.abc import Callable, Mapping

import check_run
import pytest

from healthcheck.checks import ntp


def answer(question: bytes, leap: int = 0, mode: int = 4) -> bytes:
    return bytes([leap << 6 | 4 << 3 | mode, 8]) + bytes(22) + question[40:48] + bytes(16)


def test_the_time(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_run.ask_udp_service(ntp, environment, monkeypatch, answer) == "passed"


@pytest.mark.parametrize(
    ("strange", "reason"),
    [
        (lambda question: answer(question, leap=3), "chrony has no time"),
        (lambda question: answer(question, mode=3), "does not speak NTP"),
        (lambda question: answer(bytes(48)), "does not speak NTP"),
        (lambda question: b"?", "does not speak NTP"),
    ],
)
def test_no_time(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    strange: Callable[[bytes], bytes],
    reason: str,
) -> None:
    assert reason in check_run.ask_udp_service(ntp, environment, monkeypatch, strange)


def test_nobody_listens(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntp, "PORT", 9)
    failure = asyncio.run(check_run.run(ntp.CHECK, environment))
    assert failure
    assert str(failure).startswith("chrony does not answer: Connection refused")
