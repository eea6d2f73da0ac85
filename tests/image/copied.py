"""A copy of the repository, in which a user's commands run as a Compose project of its own."""

import os
import subprocess
from pathlib import Path

from engine import CA_BUNDLE, IMAGE

PROJECT = "maas-test-up"
OFFLINE = f"""
MAAS_IMAGE={IMAGE}
BASE_IMAGE=truenas-maas-demo/base:3.5
APT_SOURCES=demo/standin.sources
POSTGRES_IMAGE=truenas-maas-demo/postgres:15
MAAS_URL=http://maas:5240/MAAS
MAAS_HTTP_PORT=127.0.0.1:0
MAAS_HEALTH_PORT=127.0.0.1:0
"""


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "COMPOSE_FILE": "compose.yaml:tests/image/fast.yaml",
        "CA_BUNDLE": CA_BUNDLE,
    }
    return subprocess.run(
        command,
        cwd=copy,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
