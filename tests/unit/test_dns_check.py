import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import check_run
import pytest

from healthcheck.checks import dns

ZONES = """
zone "example.com" {
    type forward;
};
zone "maas" {
    type master;
    file "zone.maas";
};
"""


def ask(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[bytes], bytes],
) -> str:
    directory = Path(environment["MAAS_DNS_CONFIG_DIR"])
    directory.mkdir(parents=True)
    (directory / "named.conf.maas").write_text(ZONES)

    return check_run.ask_udp_service(dns, environment, monkeypatch, answer)


def flags(question: bytes, flags: int) -> bytes:
    return question[:2] + flags.to_bytes(2, "big") + question[4:]


def test_a_zone_that_is_served(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = []

    def answer(question: bytes) -> bytes:
        questions.append(question)
        return flags(question, 0x8400)

    assert ask(environment, monkeypatch, answer) == "passed"
    assert questions[0][12:] == b"\x04maas\x00\x00\x06\x00\x01"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            lambda question: flags(question, 0x8005),
            "a zone of MAAS's: maas, answer code 5",
        ),
        (lambda question: flags(question, 0x8000), "does not serve a zone of MAAS's: maas"),
        (lambda question: b"xx" + flags(question, 0x8400)[2:], "something else does"),
        (lambda question: b"?", "something else does"),
    ],
)
def test_a_zone_that_is_not(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[bytes], bytes],
    reason: str,
) -> None:
    assert reason in ask(environment, monkeypatch, answer)


def test_no_zone_yet(environment: Mapping[str, str]) -> None:
    failure = asyncio.run(check_run.run(dns.CHECK, environment))
    assert check_run.reason(failure) == "regiond has not written its zones yet"
