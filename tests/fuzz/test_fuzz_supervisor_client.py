"""What PID 1 answers the monitor, and what the monitor makes of it."""

import asyncio
import math
import random
import xmlrpc.client
from collections.abc import Mapping
from typing import Any

import check_run
import prometheus_client
from answering import answering
from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import changed, mutate, ops, vary, vary_document
from pid1_double import PROCESS
from wire import answers, vary_answer

from healthcheck import views
from healthcheck.checks import all_checks, programs
from healthcheck.exporter import Exporter
from healthcheck.monitor import Monitor
from healthcheck.status_page import StatusPage
from healthcheck.supervisor_client import Unreachable

PROCESSES = [PROCESS | {"name": "regiond", "pid": 1}, PROCESS | {"name": "squid"}]
WHOLE = [PROCESSES, {"regiond": True}, {"regiond": 3}, {"regiond": {"exit": 2}}, {"regiond": 0.0}]
STATES = ("RUNNING", "STOPPED", "STOPPING", "EXITED", "FATAL", "BACKOFF", "UNKNOWN")
TAGS = (
    *(
        b"<int>",
        b"</int>",
        b"<value>",
        b"</value>",
        b"<struct>",
        b"</struct>",
        b"<member>",
        b"<nil/>",
    ),
    *(b"<array><data>", b"</data></array>", b"<double>inf</double>", b"<double>nan</double>"),
    *(b"<int>" + b"9" * 5000 + b"</int>", b"<bigdecimal>x</bigdecimal>", b"<base64>\xff=</base64>"),
    *(b"<dateTime.iso8601>x</dateTime.iso8601>", b"<boolean>2</boolean>", b"<fault>", b"<params>"),
    *(b"<?xml version='1.0' encoding='x'?>", b"<?xml version='1.0' encoding='utf-7'?>", b"&a;"),
    *(b"<!DOCTYPE a [<!ENTITY a 'aaaa'>]>", b"&#xD800;", b"&#0;", b"<![CDATA[", b"<a>" * 5000),
    *(
        b"<param>",
        b"</param>",
        b"<methodName>x</methodName>",
        b"<name>",
        b"<i8>1</i8>",
        b"<string>",
    ),
)


def rpc(value: Any) -> bytes:
    """Return an XML-RPC answer, or nothing where there is none of such a value."""
    try:
        text = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True)
    except OverflowError:
        return b""
    return text.encode(errors="replace")


BODIES = st.builds(rpc, changed(WHOLE)) | st.builds(mutate, st.just(rpc(WHOLE)), ops(4, TAGS))
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def told(**process: Any) -> bytes:
    return HEAD + rpc([[PROCESS | {"name": "regiond"} | process], *WHOLE[1:]])


def vary_rpc(body: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.4:
        return vary(body, chance)
    states = {"statename": chance.choice(STATES), "exitstatus": chance.randrange(80)}
    programs = [PROCESS | states | {"name": name} for name in ("regiond", "apply", "x")]
    return rpc(vary_document([programs, *WHOLE[1:]], chance))


KEPT = (
    HEAD + rpc(WHOLE),
    told(start="x"),
    told(start=math.inf),
    told(pid="x"),
    told(name=5),
    told(statename=3),
    told(exitstatus=[]),
    HEAD + rpc([PROCESSES, {"regiond": "x"}, {"regiond": "x"}, {"regiond": "x"}, {"regiond": "x"}]),
    HEAD + b"<bigdecimal>x</bigdecimal>",
    HEAD + b"</struct></array>",
    HEAD + b"<?xml version='1.0' encoding='x'?><a/>",
)


def test_supervisor_client(fuzzer: Fuzzer, environment: Mapping[str, str]) -> None:
    target = check_run.target(environment)
    monitor = Monitor(all_checks(), target)
    exporter = Exporter(monitor, target, lambda: 0)
    page = StatusPage(monitor, target)
    look = programs.CHECK.make(target)
    client = target.programs.client
    loop = asyncio.new_event_loop()

    async def ask(answer: bytes) -> None:
        server.answer = (answer,)
        target.programs._asked_at = float("-inf")
        failure = await look()
        assert failure is None or str(failure).encode()
        if not target.programs.latest:
            return
        exporter._programs = target.programs.latest
        assert prometheus_client.generate_latest(exporter._registry)
        verdict = monitor.verdict()
        assert page.render(verdict)
        assert views.document(monitor, verdict, target).encode()
        try:
            await client.restart("regiond")
        except Unreachable as error:
            assert str(error)  # noqa: PT017

    def other(answer: bytes, chance: random.Random) -> bytes:
        return vary_answer(answer, chance, vary_rpc)

    with answering(target.run / "supervisor.sock") as server:
        fuzzer.run(
            lambda answer: loop.run_until_complete(ask(answer)), answers(BODIES), KEPT, other
        )
        loop.run_until_complete(client._client.aclose())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
