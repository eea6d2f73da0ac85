"""PID 1 on real supervisord, with program files of the test's own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import xmlrpc.client
from datetime import datetime
from pathlib import Path
from typing import Any

from eventually import eventually
from supervisor.xmlrpc import SupervisorTransport

ROOT = Path(__file__).parents[1]

_LINE = re.compile(r"\S+Z (\S+)\s+(\S+)\s+\| (.*)")


class Pid1:
    """supervisord as the image runs it, below a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run = directory / "run"
        self.logs = directory / "logs"
        self.logs.mkdir()
        (directory / "programs").mkdir()
        shipped = (ROOT / "supervisord/supervisord.conf").read_text()
        self.configuration = directory / "supervisord.conf"
        self.configuration.write_text(
            shipped.replace("/run/maas", str(self.run)).replace("/var/log/maas", str(self.logs))
        )
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.reader: subprocess.Popen[bytes] | None = None

    def program(self, name: str, command: str, **keys: object) -> None:
        entry = [f"[program:{name}]", f"command={command}"]
        entry += [f"{key}={value}" for key, value in keys.items()]
        (self.directory / f"programs/{name}.conf").write_text("\n".join(entry) + "\n")

    def init(self, command: str, **keys: object) -> None:
        one_shot = {"essential": "true", "startsecs": 0, "autorestart": "false", "priority": 20}
        self.program("init", command, **one_shot, **keys)

    def python(self, name: str, source: str) -> str:
        """Return a command that runs this source."""
        path = self.directory / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        return f"{sys.executable} -I -S {path}"

    def start(self, before: str = "", **environment: str) -> None:
        """Start it, after this source in the same process."""
        run = "import runpy; runpy.run_module('supervisord', run_name='__main__')"
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{textwrap.dedent(before)}\n{run}", str(self.configuration)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # A pipe, as Docker gives it.
        with self.log.open("wb") as log:
            self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=log)
        assert self.process.stdout
        self.process.stdout.close()

    def send(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def wait(self, timeout: float = 20) -> int:
        assert self.process
        assert self.reader
        status = self.process.wait(timeout)
        self.reader.wait(timeout)
        return status

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.wait()

    def memory_kb(self) -> int:
        """Return its anonymous memory, which nobody else shares."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0])

    def text(self) -> str:
        return self.log.read_text(errors="surrogateescape")

    def said(self, program: str = "supervisord") -> list[str]:
        """Return what a program has written, line by line."""
        lines = (_LINE.fullmatch(line) for line in self.text().split("\n"))
        return [line[3] for line in lines if line and line[1] == program]

    def says(self, words: str, program: str = "supervisord") -> bool:
        return any(words in line for line in self.said(program))

    def stamp(self, words: str) -> float:
        """Return when PID 1 said these words last, in seconds since some day."""
        line = [line for line in self.text().split("\n") if words in line][-1]
        return datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp()

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.run / "pebble.sock"))
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def current(self, service: str) -> str:
        _, answer = self.request("GET", f"/v1/services?names={service}")
        return str(answer["result"][0]["current"])

    def act(self, action: str, *services: str) -> Any:
        """Ask as MAAS does: then poll the change, at most for 10 s."""
        status, answer = self.request(
            "POST", "/v1/services", {"action": action, "services": services}
        )
        assert status == 202
        assert answer["type"] == "async"
        assert answer["result"] is None
        for _ in range(100):
            _, change = self.request("GET", f"/v1/changes/{answer['change']}")
            if change["result"]["ready"]:
                return change["result"]
            time.sleep(0.1)
        raise AssertionError("the change took more than 10 s")

    def supervisorctl(self, *arguments: str) -> str:
        """Return what supervisorctl prints, whatever its exit status."""
        return self.popen_supervisorctl(*arguments).communicate(timeout=30)[0]

    def popen_supervisorctl(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "supervisor.supervisorctl"),
                *("-c", str(self.configuration), *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def xmlrpc(self) -> xmlrpc.client.ServerProxy:
        transport = SupervisorTransport(serverurl=f"unix://{self.run}/supervisor.sock")
        return xmlrpc.client.ServerProxy("http://localhost", transport)

    def pid(self, name: str) -> int:
        """Return the pid of a program that runs."""
        pid = 0

        def running() -> bool:
            nonlocal pid
            answer = self.supervisorctl("pid", name)
            pid = int(answer) if answer.strip().isdecimal() else 0
            return pid > 0

        eventually(running)
        return pid
