"""Strategies: valid bytes and documents with something wrong in them."""

import json
import math
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Op = tuple[str, int, int, bytes]
Change = tuple[int, str, Any]

TOKENS = (
    *(b"", b"\0", b"\xff", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b"%", b"%00", b"%0a"),
    *(b"\xed\xa0\x80", b"\xc3", "\u0663\u2028\ufeff".encode(), b"\xff\xfe", b"<!--", b"=", b"#"),
    *(b"0", b"-1", b"1e999", b"9" * 25, b"9" * 5000, b"NaN", b"Infinity", b"0x1p-3", b"1_0"),
    *(b'"', b"'", b"\\", b"\\ud800", b"\\u0000", b"[", b"]", b"{", b"}", b",", b"null", b"true"),
    *(b"[" * 5000, b'{"a":' * 5000, b"../", b"/", b"A" * 5000, b"\x80" * 9),
)
# What stands in the place of these words cannot be made by json.dumps.
DEEP, HUGE, RAW = "@deep@", "@huge@", "@raw@"
_WRITTEN = {
    f'"{DEEP}"'.encode(): b"[" * 20000 + b"]" * 20000,
    f'"{HUGE}"'.encode(): b"9" * 5000,
    RAW.encode(): b"\xff\xfe\xed\xa0\x80",
}
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308),
    *(math.inf, -math.inf, math.nan, "", " ", "\0", "\ud800", "\udcff", "\n", "ü€😀", "x" * 5000),
    *("0", "-1", "nan", "1 of 0", f"{'9' * 400} of 1", f"{'9' * 5000} of 2", "<b>&amp;"),
    *(
        [],
        {},
        [[]],
        [None],
        {"": None},
        [{}],
        {"a": []},
        ["x"],
        "::1",
        "%s",
        "{x}",
        DEEP,
        HUGE,
        RAW,
    ),
)
CHANGES = ("set", "set", "set", "delete", "rename", "repeat", "wrap", "text")
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-7")


def pick(values: Sequence[Any]) -> SearchStrategy[Any]:
    """Return one of these: as sampled_from, which writes all of them into its description."""
    return st.integers(0, len(values) - 1).map(lambda number: values[number])


def mutate(base: bytes, ops: Sequence[Op]) -> bytes:
    """Return the bytes with each of these done to them in turn."""
    for kind, place, length, token in ops:
        at = place % (len(base) + 1)
        end = min(at + length, len(base))
        if kind == "flip" and base:
            at %= len(base)
            base = base[:at] + bytes([base[at] ^ 1 << length % 8]) + base[at + 1 :]
        elif kind == "insert":
            base = base[:at] + token + base[at:]
        elif kind == "replace":
            base = base[:at] + token + base[end:]
        elif kind == "delete":
            base = base[:at] + base[end:]
        elif kind == "repeat":
            base = base[:end] + base[at:]
        elif kind == "cut":
            base = base[:at]
    return base


KINDS = ("flip", "insert", "replace", "delete", "repeat", "cut")


def vary(base: bytes, chance: random.Random, tokens: Sequence[bytes] = TOKENS) -> bytes:
    """Return the bytes with some changes, faster than Hypothesis makes them."""
    return mutate(
        base,
        [
            (
                chance.choice(KINDS),
                chance.randrange(2**16),
                chance.randrange(40),
                chance.choice(tokens) if chance.random() < 0.7 else chance.randbytes(4),
            )
            for _ in range(chance.randint(1, 3))
        ],
    )


def ops(most: int = 4, tokens: Sequence[bytes] = TOKENS) -> SearchStrategy[list[Op]]:
    token = pick(tokens) | st.binary(max_size=12)
    return st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 2**16), st.integers(0, 40), token),
        max_size=most,
    )


def mutated(
    bases: Sequence[bytes], most: int = 4, tokens: Sequence[bytes] = TOKENS
) -> SearchStrategy[bytes]:
    """Return one of these, or something else, with so many changes."""
    return st.builds(mutate, pick(bases), ops(most, tokens)) | st.binary(max_size=200)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return container and key of everything below a value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = []
    if isinstance(value, dict | list):
        for key in keys:
            found.append((value, key))
            if isinstance(value[key], dict | list):
                found += _places(value[key])
    return found


def change(document: Any, changes: Sequence[Change]) -> Any:
    """Return a document with each of these done to it in turn."""
    whole = json.loads(json.dumps([document]))
    for place, kind, value in changes:
        places = _places(whole)
        container, key = places[place % len(places)]
        if kind == "delete" and container is not whole:
            del container[key]
        elif kind == "rename" and isinstance(container, dict):
            container[value if isinstance(value, str) else "x"] = container.pop(key)
        elif kind == "repeat" and isinstance(container[key], list):
            container[key] = container[key] * 2
        elif kind == "wrap":
            container[key] = [container[key]]
        elif kind == "text":
            container[key] = str(container[key])
        else:
            container[key] = json.loads(json.dumps(value))
    return whole[0]


def written(document: Any, encoding: str = "utf-8") -> bytes:
    """Return a document as JSON, with what json.dumps could not have made."""
    text = json.dumps(document).encode(encoding)
    for word, instead in _WRITTEN.items():
        text = text.replace(word, instead)
    return text


def changed(document: Any, most: int = 3) -> SearchStrategy[Any]:
    """Return a document with up to so many places of another value or shape."""
    kinds = st.sampled_from(CHANGES)
    value = pick(ODD) | st.text(max_size=8) | st.integers()
    changes = st.lists(st.tuples(st.integers(0, 999), kinds, value), max_size=most)
    return st.builds(change, st.just(document), changes)


def vary_document(document: Any, chance: random.Random) -> Any:
    """Return a document with some places of another value or shape."""
    few = range(chance.randint(1, 2))
    changes = [(chance.randrange(999), chance.choice(CHANGES), chance.choice(ODD)) for _ in few]
    return change(document, changes)


def vary_json(content: bytes, chance: random.Random) -> bytes:
    """Change a place of a document, or bytes of it."""
    try:
        document = json.loads(content) if chance.random() < 0.7 else ""
    except (ValueError, RecursionError):
        document = ""
    return written(vary_document(document, chance)) if document else vary(content, chance)


def json_bytes(*documents: Any) -> SearchStrategy[bytes]:
    """Return the JSON of one of these documents with something wrong in it, or anywhere in it."""
    document = pick(documents).flatmap(changed)
    whole = st.builds(written, document, st.sampled_from(ENCODINGS))
    return whole | mutated([written(document) for document in documents])
