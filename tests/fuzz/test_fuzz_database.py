"""What somebody answers the check of the database who speaks PostgreSQL's protocol, or tries to."""

import asyncio
import random
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

import check_run
from answering import Answering, answering
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import TOKENS, mutate, ops, vary

from healthcheck.checks import database

INT4, INT8, TEXT, FLOAT8 = 23, 20, 25, 701


def message(kind: bytes, content: bytes) -> bytes:
    """https://www.postgresql.org/docs/current/protocol-message-formats.html"""
    return kind + struct.pack(">i", len(content) + 4) + content


READY = message(b"Z", b"I")
WELCOME = (
    message(b"R", struct.pack(">i", 0))
    + message(b"S", b"server_version\x0016.4\0")
    + message(b"S", b"client_encoding\0UTF8\0")
    + message(b"K", struct.pack(">ii", 1, 2))
    + READY
)


def rows(*values: bytes | None, type_: int = INT8, of: int = 1) -> bytes:
    """Return the answer to a query: `of` rows with these values."""
    columns = b"".join(b"c\0" + struct.pack(">ihihih", 0, 0, type_, 8, -1, 0) for _ in values)
    cells = b"".join(
        struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
        for value in values
    )
    count = struct.pack(">h", len(values))
    data = message(b"D", count + cells) * of
    return message(b"T", count + columns) + data + message(b"C", b"SELECT 1\0") + READY


def error(state: bytes, text: bytes) -> bytes:
    fields = b"SFATAL\0C" + state + b"\0M" + text + b"\0\0"
    return message(b"E", fields) + READY


GOOD = (WELCOME, rows(b"1", type_=INT4), rows(b"21", b"97"), rows(b"8000000"))
PARTS = (
    *(b"", READY, WELCOME, rows(b"1"), rows(), rows(b"1", b"2", b"3"), rows(b"1", b"2", of=0)),
    *(rows(b"1", b"2", of=3), rows(None, None), rows(b"x", b"\xff", type_=TEXT)),
    *(rows(b"x", b"y"), rows(b"9" * 5000, b"0"), rows(b"NaN", b"1e999", type_=FLOAT8)),
    *(
        rows(b"{1}", b"{}", type_=1016),
        rows(b"a", b"b", type_=3802),
        rows(b"1", b"2", type_=2**31 - 1),
    ),
    *(
        rows(b"97", b"97"),
        error(b"53300", b"too many"),
        error(b"\xff", b"\xff\n"),
        error(b"", b""),
        b"HTTP/1.1 400 x\r\n\r\n",
    ),
    *(message(b"R", struct.pack(">i", 10) + b"SCRAM-SHA-256\0\0"), message(b"R", b"\0\0\0\5abcd")),
    *(message(b"S", b"client_encoding\0X\0"), message(b"N", b"SNOTICE\0C00000\0M\xff\0\0")),
    *(message(b"A", b"\0\0\0\1a\0b\0"), message(b"G", b"\0\0\0"), message(b"I", b""), b"E\0\0\0\1"),
)

Given = tuple[bytes, ...]


class Postgres(Answering):
    """Answers the client's first words with the first part, each query with another one."""

    def _serve(self, connection: socket.socket) -> None:
        # a client that waits for the rest of something says nothing more
        connection.settimeout(5 if self.answer == GOOD else 0.02)
        try:
            for part in self.answer:
                if not connection.recv(65536):
                    return
                connection.sendall(part)
        except OSError:
            pass  # a client that has seen enough


def test_database_check(fuzzer: Fuzzer, environment: Mapping[str, str]) -> None:
    target = check_run.target(environment)
    settings = replace(target.settings, postgres_host=str(target.run))
    target = replace(target, settings=settings)
    loop = asyncio.new_event_loop()

    async def ask(parts: Given) -> None:
        server.answer = parts
        target.readings.clear()
        look = database._Database(target)
        failures = [await look.look(), await look.look()]
        for failure in failures:
            assert check_run.reason(failure).encode()
        assert all(isinstance(reading, float) for reading in target.readings.values())
        assert parts != GOOD or failures[0] is None
        await look._forget()

    def other(parts: Given, chance: random.Random) -> Given:
        changed: Sequence[bytes] = [
            chance.choice(PARTS) if chance.random() < 0.3 else part for part in parts
        ]
        return tuple(
            vary(part, chance, (*TOKENS, *PARTS)) if chance.random() < 0.3 else part
            for part in changed
        )

    kept = (GOOD, *((*GOOD[:place], part) for part in PARTS for place in range(4)))
    part = st.builds(mutate, st.sampled_from((*GOOD, *PARTS)), ops(2))
    given = st.builds(
        lambda place, instead: (*GOOD[:place], *instead),
        st.integers(0, 4),
        st.lists(part, max_size=3),
    )
    with answering(target.run / ".s.PGSQL.5432", Postgres) as server:
        fuzzer.run(lambda parts: loop.run_until_complete(ask(parts)), given, kept, other)
    loop.close()
