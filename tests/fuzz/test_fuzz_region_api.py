"""MAAS's answers, as `maas-init apply` reads them."""

import dataclasses
import random
from pathlib import Path
from unittest import mock

from answering import answering
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import json_bytes
from wire import answers, vary_answer

import settings
from maas_init import api_key, maas_command
from maas_init.commands import apply
from maas_init.errors import ConfigurationUnusable
from maas_init.paths import Paths
from maas_init.region_api import Key, Refused, RegionAPI, Unreachable

SECRET = "the-secret-of-the-key"
KEY = Key("consumer", "token", SECRET)
DECLARED = {
    "MAAS_URL": "http://192.0.2.10:5240/MAAS",
    "POSTGRES_PASSWORD": "x",
    "MAAS_ADMIN_SSH_IMPORT": "gh:me",
    "MAAS_SETTING_upstream_dns": "192.0.2.1, 192.0.2.2",
    "MAAS_SETTING_completed_intro": "true",
    "MAAS_SETTING_x_password": "p-1",
}
BODIES = json_bytes(
    *("auto", 10800, True, None, ["one", "two"], [{"keysource": "gh:me", "key": "ssh-rsa x"}]),
    {"upstream_dns": ["Enter a valid address.", "Another."]},
    "x is not a valid config setting (valid settings are: kernel_opts, maas_name).",
) | st.binary(max_size=100)
OK = b"HTTP/1.1 200 OK\r\n\r\n"
KEPT = (
    b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    b"HTTP/1.1 400 x\r\n\r\n" + b"[" * 100_000,
    b"HTTP/1.1 400 x\r\nContent-Type: text/html; charset=hex\r\n\r\nodd",
    b"HTTP/1.1 500 x\r\nContent-Type: text/html; charset=rot13\r\n\r\nodd",
    b"HTTP/1.1 302 x\r\nLocation: http://[::1/x\r\n\r\n",
    b'HTTP/1.1 400 x\r\n\r\n{"x": "\\ud800"}',
)


def test_region_api(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """Each question gets an answer, or is refused, or is asked again."""

    def case(answer: bytes) -> None:
        server.answer = (answer,)
        assert isinstance(api.works(), bool)
        for ask in (
            lambda: api.get_setting("x"),
            lambda: api.set_setting("x", "y"),
            api.ssh_key_sources,
        ):
            try:
                ask()
            except (Refused, Unreachable) as problem:
                assert SECRET not in str(problem)  # noqa: PT017

    api = RegionAPI(tmp_path / "socket", KEY)
    with answering(tmp_path / "socket") as server:
        fuzzer.run(case, answers(BODIES), KEPT, vary_answer)


def test_apply(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """All of it, with answers that differ from question to question."""
    fields = {field.name: tmp_path for field in dataclasses.fields(Paths)}
    paths = Paths(**fields | {"worker_socket": tmp_path / "socket"})
    configured = settings.load(DECLARED)
    works = b"HTTP/1.1 200 OK\r\n\r\n{}"

    def case(given: tuple[bytes, ...]) -> None:
        left = iter((works, *given))

        class InTurn(tuple[bytes, ...]):
            def __iter__(self):  # type: ignore[no-untyped-def]
                return iter((next(left, works),))

        server.answer = InTurn()
        try:
            apply.run(configured, paths, sleep=lambda seconds: None)
        except ConfigurationUnusable as refused:
            # where MAAS itself says it of another setting, nobody can know what it is
            said = [line for line in refused.details if "x_password" in line]
            assert "p-1" not in str(said)
        assert (tmp_path / "apply.json").stat().st_size

    def other(given: tuple[bytes, ...], chance: random.Random) -> tuple[bytes, ...]:
        return tuple(
            vary_answer(answer, chance) if chance.random() < 0.5 else answer for answer in given
        )

    unchanged = (b'"192.0.2.1 192.0.2.2"', b"true", b'"p-1"', b'[{"keysource": "gh:me"}]')
    to_change = (b'"192.0.2.1"', b"OK", b"false", b"OK", b"null", b"OK", b"[]", b"OK")
    kept = (
        *(tuple(OK + body for body in bodies) for bodies in (unchanged, to_change)),
        *((answer,) * 3 for answer in KEPT),
    )
    with (
        answering(paths.worker_socket) as server,
        mock.patch.object(api_key, "find_or_make", return_value=("admin", KEY)),
        # one for all cases, as it reads the CAs of the whole world
        mock.patch.object(apply, "RegionAPI", return_value=RegionAPI(paths.worker_socket, KEY)),
        mock.patch.object(maas_command, "run"),
    ):
        fuzzer.run(case, st.lists(answers(BODIES), max_size=5).map(tuple), kept, other, slow=5)
