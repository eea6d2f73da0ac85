"""What must be true whenever all faults are over, and how long the stack may take until then."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone

from engine import docker, set_in_maas, stored
from eventually import eventually

from chaos.processes import Process, processes
from chaos.stack import Stack
from chaos.users import Users

RECOVERY_SECONDS = 150
# How a container may end on such a day (docs/operations.md; 137 is SIGKILL's).
EXIT_STATUSES = {"0", "69", "70", "73", "75", "77", "137"}
# What PID 1, the monitor and housekeeping may have more than at their first good moment.
DESCRIPTORS_MORE = 8
MEMORY_MORE_KB = 10_000
REAPED_SECONDS = 5
SETTING = "kernel_opts"  # nothing but a new machine minds what it is
DATA = "/var/lib/maas"
IDENTITY = ("maas_id", "maas_uuid", "secret")
LEFTOVERS = f"find {DATA} /run/maas /tmp -name '*.new' -o -name '*.partial' -o -name '*unfinished*'"

_OURS = re.compile(r"^\S+Z (?:supervisord|init|apply|healthcheck|housekeeping)\s.*", re.M)
_MISTAKES = ("Traceback (most recent", "mistake in maas-init")


class Wrong(Exception):
    """Something is not as it must be; the text says what."""


class Oracle:
    """Knows what was there, and looks whether it still is."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._maas = stack.maas
        self.users = Users(stack.maas)
        self.exit_statuses: set[str] = set()
        self._since = datetime.now(timezone.utc)
        # from now on, as the engine remembers few: each `docker exec` makes three more
        what = (f"--filter=container={self._maas.name}", "--filter=event=die")
        status = "--format={{.Actor.Attributes.exitCode}}"
        self._events = subprocess.Popen(
            ["docker", "events", *what, status], stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._note_ends, daemon=True).start()
        self._setting = ""
        self._files: dict[str, str] = {}
        self._first: dict[tuple[str, int, int], Process] = {}

    def wait_until_healthy(self) -> float:
        """Wait until Docker and the probe say so; return the seconds. Raises Wrong."""
        begun = time.monotonic()
        while not self._healthy():
            if time.monotonic() - begun > RECOVERY_SECONDS:
                state = self._maas.inspect("{{.State.Status}} {{.State.Health.Status}}")
                raise Wrong(f"not healthy within {RECOVERY_SECONDS} s: {state}: {self._said()}")
            time.sleep(0.5)
        return time.monotonic() - begun

    def remember(self) -> None:
        """Write what must be there from now on, as a user does."""
        if not self._files:
            self._maas.run("maas-init", "backup")
            self._files = self._checksums()
            self.users.start()
        value = f"chaos={time.time_ns()}"
        set_in_maas(self._maas, SETTING, value)
        self._setting = value

    def close(self) -> None:
        """Let go of everything."""
        self.users.stop()
        self._events.kill()
        self._events.wait()

    def check(self) -> None:
        """Look at everything. Raises Wrong with all that is wrong."""
        wrong = [
            *self._in_database(),
            *self._in_files(),
            *self._in_processes(),
            *self._in_logs(),
            *self._in_init_report(),
            *self._in_ends(),
        ]
        if wrong:
            raise Wrong("; ".join(wrong))

    def _healthy(self) -> bool:
        if self._maas.inspect("{{.State.Status}} {{.State.Health.Status}}") != "running healthy":
            return False
        if not self._said().startswith("healthy: "):
            return False
        # what the monitor knows may be from before the fault
        return self._maas.run("healthcheck", "--direct", check=False).startswith("healthy: ")

    def _said(self) -> str:
        return self._maas.probe().strip()

    def _in_database(self) -> Iterator[str]:
        administrators = "SELECT username FROM auth_user WHERE is_superuser AND username <> 'MAAS'"
        if (found := self._maas.sql(administrators).split()) != ["admin"]:
            yield f"administrators: {found}"
        accepted = self.users.accepted.copy()  # before the question: more are made meanwhile
        there = set(self._maas.sql("SELECT username FROM auth_user").split())
        if missing := accepted - there:
            yield f"users are lost: {sorted(missing)}"
        if self._setting and (value := stored(self._maas, SETTING)) != self._setting:
            yield f"{SETTING} is {value!r}, set was {self._setting!r}"

    def _checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each file that must stay as it is: identity and backups."""
        files = [f"{DATA}/{name}" for name in IDENTITY]
        archives = self._maas.run("sh", "-c", f"echo {DATA}/backups/*.tar").split()
        lines = self._maas.run("sha256sum", *files, *archives).splitlines()
        return {name: digest for digest, name in (line.split() for line in lines)}

    def _in_files(self) -> Iterator[str]:
        there = self._checksums() if self._files else {}
        for name, digest in self._files.items():
            if there.get(name) != digest:
                yield f"{name} has changed, or is lost"
        try:
            eventually(lambda: not self._maas.run("sh", "-c", LEFTOVERS), 10)
        except AssertionError:
            yield f"left over: {self._maas.run('sh', '-c', LEFTOVERS).split()}"

    def _in_processes(self) -> Iterator[str]:
        life = self._maas.inspect("{{.State.StartedAt}}")
        dead: set[tuple[int, int]] = set()
        for process in processes(self._maas):
            if process.state in "ZT":
                dead.add((process.pid, process.started))
            if any(secret in process.command for secret in self._stack.secrets):
                yield f"a secret in the arguments of PID {process.pid}"
            if process.ours:
                first = self._first.setdefault((life, process.pid, process.started), process)
                descriptors = process.descriptors - first.descriptors
                memory = process.memory_kb - first.memory_kb
                if descriptors > DESCRIPTORS_MORE or memory > MEMORY_MORE_KB:
                    yield f"{process.ours} has grown: from {first} to {process}"
        if dead:
            time.sleep(REAPED_SECONDS)  # some are dead for a moment, rightly
        for process in processes(self._maas) if dead else []:
            if process.state in "ZT" and (process.pid, process.started) in dead:
                yield f"a zombie, or stopped: {process}"

    def _in_logs(self) -> Iterator[str]:
        """Look at what was logged since the last time."""
        since, self._since = self._since.isoformat(), datetime.now(timezone.utc)
        for name in (self._maas.name, self._stack.postgres):
            text = docker("logs", f"--since={since}", name)
            if any(secret in text for secret in self._stack.secrets):
                yield f"a secret in docker logs {name}"
            for line in _OURS.findall(text) if name == self._maas.name else []:
                if any(words in line for words in _MISTAKES):
                    yield f"a mistake of ours in docker logs {name}: {line}"
        grep = ("grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-")
        where = ("/var/log/maas", "/run/maas")
        found = subprocess.run(
            ["docker", "exec", "--interactive", self._maas.name, *grep, *where],
            input="\n".join(self._stack.secrets),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # of sockets
            text=True,
        ).stdout
        if found:
            yield f"a secret in {found.split()}"

    def _in_init_report(self) -> Iterator[str]:
        report = json.loads(self._maas.run("cat", "/run/maas/init.json"))
        states = {step["name"]: step["state"] for step in report["steps"]}
        if report["state"] != "done" or set(states.values()) != {"done"}:
            yield f"init.json says {report['state']} of {states}, and MAAS runs"
        installed = self._maas.run("dpkg-query", "--show", "--showformat=${Version}", "maas-common")
        if report["versions"]["maas"] not in installed:
            yield f"init.json says {report['versions']}, MAAS is {installed}"

    def _note_ends(self) -> None:
        assert self._events.stdout
        for line in self._events.stdout:
            self.exit_statuses.add(line.strip())

    def _in_ends(self) -> Iterator[str]:
        """Look at how containers of this name have ended so far."""
        if strange := self.exit_statuses - EXIT_STATUSES:
            yield f"a container has ended with {sorted(strange)}"
        if self._maas.inspect("{{.State.OOMKilled}}") != "false":
            yield "out of memory"
