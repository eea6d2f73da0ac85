"""facts.yaml, and how each of its tables is looked at in a running region.

A row becomes a command of the shell in the container and what it must answer, so that one
`docker exec` looks at all rows.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from engine import Container

Row = dict[str, Any]
# A command, and a pattern that its output must match from begin to end.
Look = tuple[str, str]

TABLES: dict[str, list[Any]] = yaml.safe_load(
    Path(__file__).with_name("facts.yaml").read_text(encoding="utf-8")
)
PYTHON = "/opt/truenas-maas/bin/python3"
REQUEST = """
import sys, httpx
path, socket, port = sys.argv[1:]
transport = httpx.HTTPTransport(uds=socket) if socket else None
answer = httpx.Client(transport=transport).get(f"http://127.0.0.1:{port}{path}")
print(answer.status_code, " ".join(answer.text.split()))
"""
PEBBLE_STATE = """
import sys, httpx
client = httpx.Client(transport=httpx.HTTPTransport(uds="/run/maas/pebble.sock"))
(found,) = client.get("http://localhost/v1/services?names=" + sys.argv[1]).json()["result"]
print(found["name"], found["current"])
"""
# MAAS's own, which read its environment.
MAAS_PROGRAMS = ("regiond", "apiserver", "temporal-worker")


def rows(version: str) -> Iterator[tuple[str, Any]]:
    """Yield table and row of each fact about a version."""
    for table, all_rows in TABLES.items():
        for row in all_rows:
            limits = row if isinstance(row, dict) else {}
            if limits.get("since", version) <= version <= limits.get("until", version):
                yield table, row


def check(container: Container, version: str) -> tuple[int, list[str]]:
    """Look at all facts about a version; return how many, and a line for each that is not so."""
    found = list(rows(version))
    looks = [LOOK[table](row, version) if table in LOOK else None for table, row in found]
    commands = [look[0] if look else ":" for look in looks]
    answers = _run(container, commands)
    # what is closed to 568 root sees, who in turn has no privilege to see what is closed to it
    leftovers = [i for i, (table, _) in enumerate(found) if table == "leftovers"]
    seen_by_root = _run(container, [commands[i] for i in leftovers], "0")
    for i, seen in zip(leftovers, seen_by_root, strict=True):
        answers[i] += seen
    log = container.log()
    wrong = []
    for (table, row), look, answer in zip(found, looks, answers, strict=True):
        if table == "order":
            begins = [
                log.find(f"| {text}") if " asks " not in text else log.find(text) for text in row
            ]
            right = -1 < begins[0] < begins[1]
            answer = f"found at {begins}"
        elif table == "database":
            answer = container.sql(row["query"].replace("VERSION", version))
            right = answer == row["expect"]
        else:
            assert look
            right = re.fullmatch(look[1], answer, re.DOTALL) is not None
        if not right:
            wrong.append(f"{table}: {row}: {answer[:300]!r}")
    return len(found), wrong


def _run(container: Container, commands: list[str], user: str = "568") -> list[str]:
    """Run each in the container; return what each has said."""
    script = "".join(f"{_pid(name)}=$(supervisorctl pid {name} 2>&1)\n" for name in MAAS_PROGRAMS)
    script += "\n".join(f"( {command}\n) </dev/null 2>&1; printf '\\036'" for command in commands)
    said = container.run("sh", "-c", script, user=user).split("\036")[:-1]
    assert len(said) == len(commands)
    return [text.strip() for text in said]


def _environment(row: Row, version: str) -> Look:
    name, value = row["name"], row["value"]
    ask = [f"printenv {name}", *(_of(program, name) for program in MAAS_PROGRAMS)]
    return "; ".join(ask), f"({re.escape(value)}\\s*){{{len(ask)}}}"


def _pid(program: str) -> str:
    return f"pid_{program.replace('-', '_')}"


def _of(program: str, name: str) -> str:
    environment = f"/proc/${_pid(program)}/environ"
    return f"tr '\\0' '\\n' <{environment} | sed -n 's/^{name}=//p'"


def _regiond_environment(row: Row, version: str) -> Look:
    return f"{_of('regiond', row['name'])}; {_of('apiserver', row['name'])}", re.escape(
        row["value"]
    )


def _no_environment(name: str, version: str) -> Look:
    return "; ".join(_of(program, name) for program in MAAS_PROGRAMS), ""


def _programs(row: Row, version: str) -> Look:
    name = row["name"]
    pid = f"$(supervisorctl pid {name})"
    command = f"tr '\\0' ' ' </proc/{pid}/cmdline; echo; supervisorctl status {name}"
    pebble = f"{PYTHON} -c {shlex.quote(PEBBLE_STATE)} {row['pebble']}"
    process = re.escape(row["process"]).replace(r"\.\*", ".*")
    return f"{command}; {pebble}", f".*{process}.*{name} +RUNNING.*{row['pebble']} active"


def _ports(row: Row, version: str) -> Look:
    command = f"ss -Hln{row['protocol'][0]} 'sport = :{row['port']}' | awk '{{print $4}}'"
    listening = f"({row.get('address', '[^ ]+')}:{row['port']}\\s*)+"
    return command, "" if row.get("absent") else listening


def _sockets(row: Row, version: str) -> Look:
    return f"test -S {row['path']} && echo there", "there"


def _directories(row: Row, version: str) -> Look:
    path = row["path"]
    command = f"stat -c '%F %u %a' {path} && f=$(mktemp -p {path}) && rm $f && echo written"
    return command, f"directory 568 {row.get('mode', '[0-7]+')}\nwritten"


def _state(row: Row, version: str) -> Look:
    return f"stat -Lc '%u %a' {row['path']}", f"568 {row.get('mode', '[0-7]+')}"


def _image_files(row: Row, version: str) -> Look:
    return f"test -{'x' if row.get('executable') else 'r'} {row['path']} && echo there", "there"


def _commands(row: Row, version: str) -> Look:
    return f"command -v {row['command']}", re.escape(row.get("path", "")) or "/.+"


def _sudo(row: Row, version: str) -> Look:
    command = row["form"].format("sh -c 'echo $(id -u) $KEPT -E'")
    return f"KEPT=kept {command}", "568 kept -E"


def _answers(row: Row, version: str) -> Look:
    return row["run"], row["expect"]


def _main_files(row: Row, version: str) -> Look:
    wanted = row.get("has") or row["has_not"]
    command = f"test -r {row['file']} && grep -cE -e {shlex.quote(wanted)} {row['file']}"
    return command, "[1-9]\\d*" if "has" in row else "0"


def _leftovers(row: Row, version: str) -> Look:
    return f"ls -d {row['path']} 2>/dev/null", ""


def _endpoints(row: Row, version: str) -> Look:
    command = f"{PYTHON} -c {shlex.quote(REQUEST)} {row['path']} '{row.get('socket', '')}'"
    command += f" {row.get('port', 5240)}"
    body = row.get("body", "").replace("VERSION", re.escape(version))
    return command, f"{row['status']} .*{body}.*"


LOOK: dict[str, Callable[[Any, str], Look]] = {
    "environment": _environment,
    "regiond_environment": _regiond_environment,
    "no_environment": _no_environment,
    "programs": _programs,
    "ports": _ports,
    "sockets": _sockets,
    "directories": _directories,
    "state": _state,
    "image_files": _image_files,
    "commands": _commands,
    "sudo": _sudo,
    "answers": _answers,
    "main_files": _main_files,
    "leftovers": _leftovers,
    "endpoints": _endpoints,
}
