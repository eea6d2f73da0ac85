"""Measures `maas-init run` on a database that is current, in the project's image.

Beside it a bare interpreter that imports psycopg and connects once: what no such program can be
quicker than. Both run in one container, in turns.
"""

import json

from engine import UNPRIVILEGED

from bench.containers import IMAGE, PASSWORD, postgres, settings
from bench.supervisors import run

NAME = "maas-bench-init"
VOLUME = "--tmpfs=/var/lib/maas:uid=568,gid=568,mode=0750,exec"
PYTHON = "/opt/truenas-maas/bin/python3"
# Runs in the container: the wall time of each command, in turns, as JSON.
TIMER = """
import json, subprocess, sys, time
def seconds(command):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun
commands = json.loads(sys.argv[1])
rounds = [[seconds(command) for command in commands] for _ in range(int(sys.argv[2]))]
print(json.dumps(rounds))
"""
BARE = f"import psycopg; psycopg.connect('host={NAME}-postgres user=maas password={PASSWORD}')"


def measure(repeat: int) -> tuple[list[float], list[float]]:
    """Return the seconds of bare interpreters, and of warm runs. Raises MeasurementError."""
    with postgres(NAME):
        started = ("docker", "run", "--detach", f"--network={NAME}", f"--name={NAME}")
        options = (*UNPRIVILEGED, VOLUME, f"--hostname={NAME}", *settings(NAME, NAME))
        run(*started, *options, IMAGE, "sleep", "1d")
        run("docker", "exec", NAME, "maas-init", "run")  # migrates
        commands = json.dumps([[PYTHON, "-I", "-c", BARE], ["maas-init", "run"]])
        timer = ("docker", "exec", NAME, PYTHON, "-I", "-c", TIMER, commands)
        run(*timer, "1")  # what the disk still has to deliver
        rounds = json.loads(run(*timer, str(repeat)))
        return [bare for bare, _ in rounds], [warm for _, warm in rounds]
