"""`maas-init run`, killed at a random moment and run again, ends as if nothing had been.

`make chaos-init` does 200 runs; CHAOS_RUNS and CHAOS_SEED say how many, and which.
"""

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread

import pytest
from databases import DATA, VERSIONS, Postgres, Result, Runner, make_templates, running
from engine import build, docker

pytestmark = pytest.mark.chaos
RUNS = int(os.environ.get("CHAOS_RUNS") or 20)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
DATABASE = "chaos"
NAME = f"maas-test-chaos-{os.getpid()}"
TEMPLATES = ("template0", "of-3.4")
# What is killed: the process, what it runs at that moment, all of its container, or PostgreSQL.
VICTIMS = ("process", "process", "command", "container", "PostgreSQL")
CHILDREN = "cat /proc/$(cat /tmp/pid)/task/*/children"
BEGIN = ("sh", "-c", "echo $$ >/tmp/pid; exec maas-init run")
LEFTOVERS = re.compile(r"\.new$|\.partial$|unfinished|/tmp")


@dataclass(frozen=True)
class Whole:
    """A run that nobody disturbed: its seconds, and the schema that it made."""

    seconds: float
    schema: str


class Rig:
    def __init__(self, server: Postgres, runner: Runner) -> None:
        self.server = server
        self.runner = runner

    def prepare(self, template: str) -> None:
        self.runner.clear()
        self.server.copy(template, DATABASE)

    def begin(self) -> Result:
        settings = {"POSTGRES_HOST": self.server.name, "POSTGRES_DB": DATABASE}
        return self.runner.run(*BEGIN, **settings)

    def measure(self, template: str) -> Whole:
        self.prepare(template)
        begun = time.monotonic()
        result = self.begin()
        assert result.status == 0, result.output
        return Whole(time.monotonic() - begun, self.server.schema(DATABASE))

    def kill(self, victim: str) -> None:
        if victim == "process":
            self.runner.run("sh", "-c", "kill -9 $(cat /tmp/pid)")
        elif victim == "command":
            self.runner.run("sh", "-c", f"kill -9 $({CHILDREN})")
        else:
            name = self.server.name if victim == "PostgreSQL" else self.runner.name
            docker("kill", name, check=False)
            docker("start", name)
            if victim == "PostgreSQL":
                self.server.wait()

    def disturb(self, victim: str, seconds: float) -> str:
        """Begin a run, kill something after a while; return the step in which that was."""
        results: list[Result] = []
        run = Thread(target=lambda: results.append(self.begin()))
        run.start()
        time.sleep(seconds)
        self.kill(victim)
        run.join(120)
        assert not run.is_alive()
        output = results[0].output
        assert "mistake in maas-init" not in output, output
        assert results[0].status in (0, 69, 70, 75, 137), output
        if results[0].status == 0:
            return "done"
        said = [line for line in output.splitlines() if " INFO init: " in line]
        return said[-1].split(" INFO init: ")[1].split(":")[0] if said else "start"

    def check(self, whole: Whole) -> None:
        """Run to the end, and look whether everything is as after a run that nobody disturbed."""
        result = self.begin()
        assert result.status == 0, result.output
        assert self.runner.status(self.server, DATABASE)["database"]["state"] == "current"
        admins = "SELECT username FROM auth_user WHERE is_superuser"
        assert self.server.sql(admins, DATABASE).split() == ["admin"]
        assert self.server.schema(DATABASE) == whole.schema
        assert not list(filter(LEFTOVERS.search, self.files())), self.files()

    def files(self) -> list[str]:
        where = (DATA, "/run", "/tmp", "-type", "f", "!", "-name", "pid")
        return self.runner.run("find", *where).output.split()


@pytest.fixture(scope="module")
def rigs(image: str, network: str) -> Iterator[dict[str, Rig]]:
    server = Postgres("15", f"{NAME}-postgres")
    runners = {}
    for version in VERSIONS:
        build(version)
        name = f"{NAME}-{version}"
        runners[version] = Runner(version, name, f"--volume={name}:{DATA}")
    with running(server, *runners.values()):
        make_templates(server, runners)
        yield {version: Rig(server, runner) for version, runner in runners.items()}


def test_killed_at_random_moments(rigs: dict[str, Rig]) -> None:
    print(f"\nCHAOS_RUNS={RUNS} CHAOS_SEED={SEED}")
    chance = random.Random(SEED)
    wholes: dict[tuple[str, str], Whole] = {}
    killed_in: Counter[str] = Counter()
    for number in range(RUNS):
        template = TEMPLATES[number % 2]
        version = chance.choice(VERSIONS)
        victim = chance.choice(VICTIMS)
        rig = rigs[version]
        if (version, template) not in wholes:
            wholes[version, template] = rig.measure(template)
        whole = wholes[version, template]
        seconds = chance.uniform(0, whole.seconds)
        rig.prepare(template)
        try:
            step = rig.disturb(victim, seconds)
            rig.check(whole)
        except AssertionError:
            print(f"run {number}: {version} on {template}, {victim} killed after {seconds:.2f} s")
            raise
        killed_in[step] += 1
        if step == "done":  # measure again: what runs beside this may be less busy than it was
            del wholes[version, template]
        print(f"run {number}: {version} on {template}, {victim} killed in {step}: converged")
    print(f"{RUNS} of {RUNS} converged; killed in: {dict(killed_in)}")
    if RUNS >= 10:  # fewer say nothing
        assert killed_in["done"] < RUNS / 2  # else the moments are not those meant


def test_ten_at_once(rigs: dict[str, Rig]) -> None:
    server = rigs["3.5"].server
    server.copy("template0", DATABASE)
    runners = [Runner("3.5", f"{NAME}-ten-{number}") for number in range(10)]
    results: dict[str, Result] = {}
    settings = {"POSTGRES_HOST": server.name, "POSTGRES_DB": DATABASE}

    def run(runner: Runner) -> None:
        results[runner.name] = runner.run("maas-init", "run", **settings)

    with running(*runners):
        threads = [Thread(target=run, args=(runner,)) for runner in runners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    work = [seconds_of_work(result.output) for result in results.values()]
    outputs = [result.output for result in results.values()]
    assert [result.status for result in results.values()] == [0] * 10, outputs
    assert sum("MAAS migrates the database" in output for output in outputs) == 1
    assert sum("created admin" in output for output in outputs) == 1
    print(f"\nseconds of work once the lock was free: {sorted(work)}")


def seconds_of_work(output: str) -> float:
    """Add up how long a run's steps took, without its wait for the lock."""
    steps = re.findall(r"INFO init: ([^:]+): .* \((\d+\.\d) s\)$", output, re.M)
    return round(sum(float(seconds) for name, seconds in steps if name != "lock"), 1)
