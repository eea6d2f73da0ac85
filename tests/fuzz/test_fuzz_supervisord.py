"""supervisord's sockets: the Pebble API, XML-RPC and what else stock supervisor serves there."""

import random
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest
from clients import Clients, read, unix
from eventually import eventually
from fuzzing import Fuzzer, Vitals
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mutation import ODD, TOKENS, json_bytes, mutate, mutated, ops, pick, vary, vary_json
from pid1 import Pid1
from wire import Sent, message, requests, sent, vary_sent

SANE = b"GET /v1/system-info HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
METHODS = (
    b"GET",
    b"GET",
    b"GET",
    b"POST",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"get",
    b"",
    b"\xff",
)
PATHS = (
    *(b"/v1/services", b"/v1/services?names=proxy,http", b"/v1/services?names=%ff&names=%00"),
    *(b"/v1/health?level=ready&names=squid", b"/v1/health?level=alive", b"/v1/health?level=x"),
    *(b"/v1/changes?select=all&for=proxy", b"/v1/changes?select=ready", b"/v1/changes/1"),
    *(b"/v1/changes/1/wait?timeout=1ms", b"/v1/changes/1/wait?timeout=1h1m1.5s", b"/v1/signals"),
    *(
        b"/v1/changes/1/wait",
        b"/v1/system-info",
        b"/v1/",
        b"/v1/services/../..",
        b"/v1/files?path=/",
    ),
)
DURATIONS = (
    b"timeout=",
    b"1" * 3000,
    b"1" * 60000,
    b"1s" * 3000,
    b"1.",
    b".5h",
    b"\xc2\xb5s",
    b"-1s",
)
TARGET_TOKENS = (*TOKENS, *DURATIONS, b"?", b"&", b"names=", b"%0a", b"%23%0a", b"%3f", b"/wait")
TARGETS = st.sampled_from(PATHS) | mutated(PATHS, 2, TARGET_TOKENS)
BODIES = json_bytes(
    *({"action": action, "services": ["proxy"]} for action in ("start", "stop", "restart")),
    {"action": "replan"},
    {"signal": "SIGHUP", "services": ["proxy", "http"]},
)
BIG = b"9" * 5000
START = b'{"action": "start", "services": ["proxy"]}'
KEPT = (
    b"POST /v1/services HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(START) + START,
    b"POST /v1/services HTTP/1.1\r\nContent-Length: " + BIG + b"\r\n\r\n",
    b"GET /v1/services%23%0a HTTP/1.1\r\n\r\n",
    b"GET /v1/services#\n HTTP/1.1\r\n\r\n",
    b"GET /v1/changes/1/wait?timeout=" + b"1" * 60000 + b" HTTP/1.1\r\n\r\n",
    b"GET /v1/changes/1/wait?timeout=" + BIG + b"h HTTP/1.1\r\n\r\n",
    b"GET /v1/changes/%0a HTTP/1.1\r\n\r\n",
)
RPC = (
    *("supervisor.getAllProcessInfo", "supervisor.getProcessInfo", "supervisor.startProcess"),
    *("supervisor.stopProcess", "supervisor.signalProcess", "supervisor.readProcessStdoutLog"),
    *("supervisor.tailProcessStdoutLog", "supervisor.clearProcessLogs", "supervisor.reloadConfig"),
    *("supervisor.sendProcessStdin", "supervisor.sendRemoteCommEvent", "supervisor.readLog"),
    *("supervisor.addProcessGroup", "supervisor.startProcessGroup", "supervisor.stopAllProcesses"),
    *(
        "supervisor.getState",
        "supervisor.clearLog",
        "supervisor.getAllConfigInfo",
        "plugin.getExits",
    ),
    *("plugin.getWanted", "plugin.getLostLines", "system.listMethods", "system.methodHelp"),
    *("system.multicall", "system.methodSignature", "supervisor._update", "x", "a.b.c", ".", ""),
)
OTHERS = (
    *(b"/RPC2", b"/RPC2", b"/RPC2", b"/RPC3", b"/", b"/index.html?action=stop&processname=squid"),
    *(b"/logtail/squid", b"/mainlogtail", b"/tail.html?processname=squid&limit=x", b"/logtail/x/y"),
    *(b"/index.html?action=tail&processname=%ff", b"/stylesheets/../../../etc/passwd", b"/?a=%"),
)
XML = (
    *(b"<int>x</int>", b"<value>", b"</value>", b"<param>", b"<array/>", b"<struct/>", b"<data/>"),
    *(
        b"<double>1e999</double>",
        b"<dateTime.iso8601>x</dateTime.iso8601>",
        b"<base64>\xff</base64>",
    ),
    *(
        b"<methodName/>",
        b"<params/>",
        b"&#0;",
        b"<![CDATA[",
        b"<a>" * 3000,
        b"<int/>",
        b"<boolean/>",
    ),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<?xml version='1.0' encoding='x'?>"),
)


def call(method: str, arguments: list[Any]) -> bytes:
    try:
        text = xmlrpc.client.dumps(tuple(arguments), method, allow_none=True)
    except (OverflowError, TypeError):
        text = xmlrpc.client.dumps((), method)
    return text.encode(errors="replace")


LIKELY = ("squid", "squid", "squid:squid", "squid:*", "nginx", 0, -1, False, True, "HUP", "x")
ARGUMENTS = st.lists(pick((*LIKELY, *ODD)), max_size=3)
CALLS = st.builds(call, st.sampled_from(RPC), ARGUMENTS)
MULTICALLS = st.lists(
    st.fixed_dictionaries({"methodName": st.sampled_from(RPC), "params": ARGUMENTS}), max_size=3
).map(lambda calls: call("system.multicall", [calls]))
CALL_BODIES = CALLS | MULTICALLS | st.builds(mutate, CALLS | MULTICALLS, ops(3, (*TOKENS, *XML)))


def vary_call(body: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.3:
        return vary(body, chance, (*TOKENS, *XML))
    values = [chance.choice(LIKELY if chance.random() < 0.7 else ODD) for _ in range(4)]
    return call(chance.choice(RPC), values[: chance.randrange(5)])


def sound(target: bytes, bodies: SearchStrategy[bytes]) -> SearchStrategy[Sent]:
    """Return requests whose head is right."""
    start = b"POST " + target + b" HTTP/1.1"
    return st.builds(lambda body: sent(message(start, (), body, "right"), [], False), bodies)


@pytest.fixture
def squid(pid1: Pid1) -> Pid1:
    pid1.program("squid", "sleep 1000", pebble="proxy")
    pid1.program("nginx", "sleep 1000", pebble="http", autostart="false")
    pid1.start()
    eventually(lambda: pid1.current("proxy") == "active")
    return pid1


def fuzz(
    fuzzer: Fuzzer,
    squid: Pid1,
    socket: str,
    strategy: SearchStrategy[Sent],
    kept: tuple[bytes, ...],
    vary_body: Callable[[bytes, random.Random], bytes],
) -> None:
    clients = Clients(lambda: unix(str(squid.run / socket)))

    def case(value: Sent) -> None:
        client = clients.send(Sent(value.parts, stalls=True))  # without an end, to be answered
        assert clients.ask(SANE).startswith(b"HTTP/1.1 200 ")
        client.setblocking(False)
        answer = read(client)
        assert answer.startswith(b"HTTP/") or not answer  # stock supervisor repeats the version
        assert b"internal error" not in answer
        clients.let_go(client, value.stalls)
        new = log.read()
        assert b"Traceback" not in new, new

    def other(value: Sent, chance: random.Random) -> Sent:
        head, _, body = b"".join(value.parts).partition(b"\r\n\r\n")
        if not body or chance.random() < 0.4:
            return vary_sent(value, chance)
        start = head.partition(b"\r\n")[0]
        whole = message(start, (), vary_body(body, chance), "right")
        return sent(whole, [chance.randrange(999)], value.stalls)

    assert squid.process
    with squid.log.open("rb") as log:
        vitals = Vitals(squid.process.pid, before=clients.close)
        fuzzer.run(case, strategy, tuple(Sent((data,)) for data in kept), other, vitals)
    clients.close()


def test_pebble(fuzzer: Fuzzer, squid: Pid1) -> None:
    strategy = (
        requests(METHODS, TARGETS, BODIES)
        | sound(b"/v1/services", BODIES)
        | sound(b"/v1/signals", BODIES)
    )
    fuzz(fuzzer, squid, "pebble.sock", strategy, KEPT, vary_json)


def test_supervisors_socket(fuzzer: Fuzzer, squid: Pid1) -> None:
    targets = st.sampled_from(OTHERS) | mutated(OTHERS, 2, TARGET_TOKENS)
    strategy = requests(METHODS, targets, CALL_BODIES) | sound(b"/RPC2", CALL_BODIES)
    kept = tuple(
        b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        for body in (call("supervisor.getProcessInfo", [1]), b"<a></b>", b"\xff", b"<a>" * 3000)
    )
    fuzz(fuzzer, squid, "supervisor.sock", strategy, kept, vary_call)
