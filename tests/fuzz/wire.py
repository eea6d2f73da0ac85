"""Strategies of what goes over a wire: HTTP requests and answers, whole and broken."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mutation import mutate, ops, pick, vary, vary_json

HEADERS = (
    *(b"Host: x", b"Host:", b"Host: \xff", b"Connection: close", b"Connection: keep-alive"),
    *(b"Connection: Upgrade", b"Upgrade: h2c", b"Expect: 100-continue", b"X: y", b"X:y", b"X : y"),
    *(b" folded", b"\tfolded", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip"),
    *(b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: +3", b"Content-Length: 1_0"),
    *(b"Content-Length: 99999999999999999999", b"Content-Length: " + b"9" * 5000),
    *(b"Content-Length: \xd9\xa3", b"Content-Length: \xb2", b"Content-Length: 3, 3"),
    *(b"Content-Length: 10", b"Content-Length: 65537", b"Content-Type: text/html; charset=hex"),
    *(b"Content-Type: text/html; charset=rot13", b"Content-Type: text/plain; charset=utf-7"),
    *(b"Content-Type: x; charset=\xff", b"Content-Type: application/json; charset=idna"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Encoding: deflate, zstd"),
    *(b"Location: http://[::1/x", b"Location: https://h:99999/", b"Location: //\xff", b"Location:"),
    *(b"Location: https://127.0.0.1:0/MAAS", b"Location: javascript:\xe2\x84\x80", b"Location: ?"),
    *(b"Location: http://xn--\xff/", b"Location: https:///x", b"Location: http:h", b"Location: \0"),
    *(b"Set-Cookie: a=b; expires=\xff", b"Set-Cookie: =;;;max-age=9e9", b"Set-Cookie: a=b; port="),
    *(b"Set-Cookie: a=b; domain=.; version=x", b"Authorization: Basic \xff", b"Retry-After: nan"),
    *(b"Y: " + b"z" * 9000, *(b"Z%d: z" % n for n in range(3)), b":", b"", b"\0: \0"),
)
STATUSES = (
    *(b"200 OK", b"200 OK", b"200 OK", b"100 Continue", b"101 Switching", b"204 None", b"304 x"),
    *(b"301 Moved", b"302 Found", b"303 x", b"400 Bad", b"401 x", b"404 x", b"409 x", b"413 x"),
    *(b"429 x", b"500 x", b"503 x", b"599 x", b"999 x", b"000 x", b"2 x", b"-1", b"2\xff0", b""),
)
VERSIONS = (
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/9.9",
    b"http",
    b"",
)


@dataclass(frozen=True)
class Sent:
    """What a client sends in parts; one that `stalls` does not say that it has ended."""

    parts: tuple[bytes, ...]
    stalls: bool = False


def _chunked(body: bytes) -> bytes:
    middle = len(body) // 2
    parts = [part for part in (body[:middle], body[middle:]) if part]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def message(start: bytes, headers: Sequence[bytes], body: bytes, framing: str) -> bytes:
    """Return a message whose body is framed as said."""
    lines = [start, *headers]
    if framing == "right":
        lines.append(b"Content-Length: %d" % len(body))
    elif framing == "short":
        lines.append(b"Content-Length: %d" % (len(body) // 2))
    elif framing == "long":
        lines.append(b"Content-Length: %d" % (len(body) + 9))
    elif framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = _chunked(body)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


FRAMINGS = st.sampled_from(("right", "right", "right", "right", "short", "long", "chunked", "none"))
FEW_HEADERS = st.lists(pick(HEADERS), max_size=2)


def answers(bodies: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Return answers to a request, most with one of these bodies."""
    start = st.builds(lambda v, s: v + b" " + s, pick(VERSIONS), pick(STATUSES))
    sound = st.builds(message, st.just(b"HTTP/1.1 200 OK"), st.just(()), bodies, st.just("right"))
    odd = st.builds(message, start, FEW_HEADERS, bodies, FRAMINGS)
    return sound | odd | st.builds(mutate, odd, ops(2, HEADERS)) | st.binary(max_size=60)


def requests(
    methods: Sequence[bytes], targets: SearchStrategy[bytes], bodies: SearchStrategy[bytes]
) -> SearchStrategy[Sent]:
    """Return requests, one after another, whole or not."""
    start = st.builds(
        lambda method, target, version: method + b" " + target + b" " + version,
        pick(methods),
        targets,
        pick(VERSIONS),
    )
    one = st.builds(message, start, FEW_HEADERS, bodies, FRAMINGS)
    one |= st.builds(mutate, one, ops(2, HEADERS))
    several = st.lists(one, min_size=1, max_size=3).map(b"".join)
    return st.builds(sent, several, st.lists(st.integers(0, 9999), max_size=3), st.booleans())


def sent(data: bytes, cuts: list[int], stalls: bool) -> Sent:
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    parts = (data[a:b] for a, b in itertools.pairwise(places))
    return Sent(tuple(filter(None, parts)), stalls)


def vary_sent(value: Sent, chance: random.Random) -> Sent:
    """Change what is sent, or only where it is cut."""
    data = b"".join(value.parts)
    if chance.random() < 0.8:
        data = vary(data, chance)
    cuts = [chance.randrange(len(data) + 1) for _ in range(chance.randrange(3))]
    return replace(sent(data, cuts, False), stalls=chance.random() < 0.3)


def vary_answer(
    answer: bytes,
    chance: random.Random,
    vary_body: Callable[[bytes, random.Random], bytes] = vary_json,
) -> bytes:
    """Change an answer's body, with a head that fits it, or anything of it."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or chance.random() < 0.3:
        return vary(answer, chance)
    if chance.random() < 0.7:
        head = b"HTTP/1.1 200 OK"
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-le")]
    return b"\r\n".join(lines) + end + vary_body(body, chance)
