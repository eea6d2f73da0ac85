"""What the image tests use of the real engine."""

import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from eventually import eventually

from maas_init.region_api import Key

ROOT = Path(__file__).parents[2]
# Of what the images are made: the stand-in, or "ppa", MAAS's own packages (make test-image).
SOURCE = os.environ.get("MAAS_SOURCE") or "standin"
# The version that a stack runs, and those that are upgraded to each other.
VERSION = os.environ.get("MAAS_VERSION") or "3.5"
KNOWN = sorted(file.stem for file in (ROOT / "apt").glob("*.sources"))
VERSIONS = tuple(v for v in KNOWN if "MAAS_VERSION" not in os.environ or v <= VERSION)
# This one's packages are of a version that is named exactly.
PINNED = "3.6"
_REPOSITORY = "truenas-maas-demo/maas" if SOURCE == "standin" else "truenas-maas-test/maas"
PROJECT = "maas-test"
NETWORK = f"{PROJECT}_default"
_SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CA_BUNDLE = str(_SYSTEM_BUNDLE) if _SYSTEM_BUNDLE.exists() else "/dev/null"


def image(version: str) -> str:
    """Name the image of a version; that of 3.5 with the stand-in is the demo's."""
    demo = SOURCE == "standin" and version == "3.5"
    return f"{_REPOSITORY}:{'latest' if demo else version}"


IMAGE = image(VERSION)
# Those that run as long as the container does.
PROGRAMS = (
    "regiond",
    "apiserver",
    "nginx",
    "bind9",
    "squid",
    "rsyslog",
    "chrony",
    "temporal",
    "temporal-worker",
    "housekeeping",
    "healthcheck",
)
UNPRIVILEGED = (
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--read-only",
    "--tmpfs=/run:uid=568,gid=568,mode=0755",
    "--tmpfs=/tmp:uid=568,gid=568",
)


def build(version: str) -> None:
    """Build the image of a version with the project's own Dockerfile."""
    variables = {"MAAS_IMAGE": image(version), "MAAS_VERSION": version, "CA_BUNDLE": CA_BUNDLE}
    if SOURCE == "standin":
        variables["BASE_IMAGE"] = f"truenas-maas-demo/base:{version}"
        variables["APT_SOURCES"] = "demo/standin.sources"
        if version == PINNED:
            variables["MAAS_PACKAGE_VERSION"] = "3.6.5+standin"
    done = subprocess.run(
        ["docker", "compose", "--env-file", "/dev/null", "build", "maas"],
        env=os.environ | variables,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def docker(*arguments: str, check: bool = True) -> str:
    """Run a docker command; return both its outputs."""
    result = subprocess.run(
        ["docker", *arguments],
        timeout=180,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert not check or result.returncode == 0, f"docker {arguments}: {result.stdout}"
    return result.stdout


def compose(
    *arguments: str, project: str = PROJECT, overlay: str = "fast.yaml", version: str = VERSION
) -> str:
    """Run a Compose command on the demo's stack as a file beside this one changes it."""
    environment = {
        "COMPOSE_PROJECT_NAME": project,
        "MAAS_IMAGE": image(version),
        "MAAS_HTTP_PORT": "127.0.0.1:0",
        "MAAS_HEALTH_PORT": "127.0.0.1:0",
        "PROMETHEUS_PORT": "127.0.0.1:0",
        "CA_BUNDLE": CA_BUNDLE,
    }
    command = ["docker", "compose", "--project-directory", str(ROOT)]
    for file in ("compose.yaml", f"tests/image/{overlay}"):
        command += ["--file", str(ROOT / file)]
    command += ["--env-file", str(ROOT / "demo/demo.env"), *arguments]
    for _ in range(5):
        result = subprocess.run(
            command,
            env=os.environ | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        # `pause`, where processes come and go: cgroup v1's freezer gives up, and thaws
        if "unable to freeze" not in result.stdout:
            break
    assert result.returncode == 0, f"{command}: {result.stdout}"
    return result.stdout


class Refused(Exception):
    """Compose does not take a file."""


def compose_config(*options: str, **variables: str) -> dict[str, Any]:
    """Return what Compose makes of some files, with the defaults of all other variables."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    shown = subprocess.run(
        ["docker", "compose", "--env-file=/dev/null", *options, "config", "--format=json"],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        raise Refused(shown.stderr)
    return dict(json.loads(shown.stdout))


class Container:
    def __init__(self, name: str, project: str = PROJECT) -> None:
        self.name = name
        self._postgres = f"{project}-postgres-1"

    def run(self, *command: str, user: str = "568", check: bool = True) -> str:
        return docker("exec", "--user", user, self.name, *command, check=check)

    def inspect(self, template: str) -> str:
        return docker("inspect", "--format", template, self.name).strip()

    def log(self) -> str:
        return docker("logs", self.name)

    def port(self, port: int) -> str:
        return docker("port", self.name, str(port)).split()[0]

    def wait_until_healthy(self) -> None:
        eventually(lambda: self.inspect("{{.State.Health.Status}}") == "healthy", 120)

    def probe(self) -> str:
        """Return the line of the health check."""
        return self.run("healthcheck", check=False)

    def state(self, program: str) -> str:
        status = self.run("supervisorctl", "status", program, check=False)
        return status.split()[1]

    def pid(self, program: str) -> str:
        """Return the pid of a program that runs."""
        return self.run("supervisorctl", "pid", program).strip()

    def wait_until_restarted(self, program: str, pid: str) -> None:
        """Wait until it has another pid. In between it has "0", and supervisorctl ends with 1."""
        command = ("supervisorctl", "pid", program)
        eventually(lambda: self.run(*command, check=False).strip() not in (pid, "0"), 10)

    def workers(self) -> list[str]:
        """Return the pids of regiond's workers: its children that are regiond, too.

        Others come and go: what MAAS asks its own host every 30 s.
        """
        regiond = self.pid("regiond")
        script = f"cat /proc/{regiond}/task/*/children"
        children = self.run("sh", "-c", script, check=False).split()
        find = f"grep -l regiond {' '.join(f'/proc/{pid}/cmdline' for pid in children)}"
        found = self.run("sh", "-c", find, check=False) if children else ""
        return [line.split("/")[2] for line in found.splitlines() if line.startswith("/proc")]

    def sql(self, query: str, database: str = "maasdb") -> str:
        return docker(
            "exec", self._postgres, "psql", "-U", "maas", "-At", "-c", query, database
        ).strip()


def api_key(maas: Container) -> Key:
    """Return the administrator's first key."""
    keys = maas.run("maas-region", "apikey", "--username", "admin").splitlines()
    return Key(*keys[0].split(":"))


def post(maas: Container, key: Key, path: str, **form: str) -> None:
    """Ask MAAS's API for a change as its own clients do. Raises OSError."""
    request = urllib.request.Request(
        f"http://{maas.port(5240)}/MAAS/api/2.0/{path}",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": key.header()},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def set_in_maas(maas: Container, name: str, value: str) -> None:
    """Change a setting, with a user's key."""
    post(maas, api_key(maas), "maas/?op=set_config", name=name, value=value)


def stored(maas: Container, name: str) -> object:
    """Return a setting as MAAS has it in its database."""
    text = maas.sql(f"SELECT value FROM maasserver_config WHERE name = '{name}'")
    return json.loads(text) if text else None


def start(name: str, *arguments: str, **environment: str) -> Container:
    """Start a container of the image on the stack's network, in the place of one of that name."""
    defaults = {
        "MAAS_URL": "http://maas:5240/MAAS",
        "POSTGRES_PASSWORD": "maas-demo",
        "STANDIN_TIME_SCALE": "0.1",
    }
    settings = [f"--env={k}={v}" for k, v in (defaults | environment).items()]
    where = ("--detach", f"--name={name}", f"--network={NETWORK}")
    docker("rm", "--force", name)
    docker("run", *where, *UNPRIVILEGED, *settings, *arguments, IMAGE)
    return Container(name)


class Ended:
    """What is left of a container that ran to its end."""

    def __init__(self, name: str) -> None:
        self.status = int(docker("wait", name).strip())
        self.log = docker("logs", name)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.log.splitlines() if " ERROR " in f" {line}"]
