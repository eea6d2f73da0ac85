"""A stack in which faults can be made."""

import os
import secrets
import subprocess
from collections.abc import Sequence

from engine import UNPRIVILEGED, VERSIONS, Container, compose, docker, image

PYTHON = "/opt/truenas-maas/bin/python3"


class Stack:
    """PostgreSQL and MAAS on small volumes, with passwords that nobody else has.

    `profiles` are Compose's, of what runs beside them.
    """

    def __init__(self, project: str = "maas-chaos", profiles: str = "") -> None:
        self.maas = Container(f"{project}-maas-1", project)
        self.postgres = f"{project}-postgres-1"
        self.keeper = f"{project}-keeper-1"  # it has all volumes
        self.second = f"{project}-second"
        self.filler = f"{project}-filler"
        self.network = f"{project}_default"
        self.secrets = [secrets.token_hex(16), secrets.token_hex(16)]
        self._project = project
        self._version = VERSIONS[0]
        # Compose prefers these to the demo's
        os.environ |= {
            "POSTGRES_PASSWORD": self.secrets[0],
            "MAAS_ADMIN_PASSWORD": self.secrets[1],
            "CHAOS_KEEPER_IMAGE": image(self._version),
            "COMPOSE_PROFILES": profiles,
        }

    def create(self) -> None:
        """Make all of it anew, on empty volumes."""
        self.remove()
        self._version = VERSIONS[0]
        self.up()

    def remove(self) -> None:
        """Leave nothing behind."""
        docker("rm", "--force", "--volumes", self.second, self.filler)
        docker("volume", "rm", "--force", self.second)
        self._compose("down", "--volumes", "--remove-orphans")

    def upgrade(self) -> None:
        """Give MAAS the next version's image, where there is one."""
        self._version = min((v for v in VERSIONS if v > self._version), default=self._version)
        self.up()

    def up(self) -> None:
        """Start what does not run, and make anew what is not as it should be."""
        self._compose("up", "--detach")

    def script(self, source: str, *arguments: str) -> None:
        """Begin to run Python in MAAS's container, as one of its programs could."""
        python = ("exec", "--detach", "--user=568", self.maas.name, PYTHON, "-I", "-c")
        docker(*python, source, *arguments, check=False)

    def start_second(self) -> None:
        """Start another region on the database."""
        self._run(self.second, "--hostname=second", f"--volume={self.second}:/var/lib/maas")

    def fill_connections(self, source: str) -> None:
        """Run a Python script that knows the database's password, in a container of its own."""
        self._run(self.filler, "--no-healthcheck", command=(PYTHON, "-I", "-c", source))

    def _run(self, name: str, *options: str, command: Sequence[str] = ()) -> None:
        settings = ("POSTGRES_PASSWORD", "MAAS_ADMIN_PASSWORD")  # values stay out of argv
        docker("rm", "--force", name)
        docker(
            *("run", "--detach", f"--name={name}", f"--network={self.network}", *UNPRIVILEGED),
            *(f"--env={variable}" for variable in settings),
            *("--env=MAAS_URL=http://maas:5240/MAAS", "--env=STANDIN_TIME_SCALE=0.1", *options),
            *(image(self._version), *command),
        )

    def _compose(self, *arguments: str) -> None:
        where = {"project": self._project, "overlay": "../chaos/stack.yaml"}
        compose(*arguments, version=self._version, **where)


def in_background(*arguments: str) -> subprocess.Popen[bytes]:
    """Begin a docker command whose end, good or bad, nobody waits for now."""
    return subprocess.Popen(
        ["docker", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
