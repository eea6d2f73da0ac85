"""A real PostgreSQL of the tests' own, on a free port of loopback."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

import settings
from settings import Settings

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "super-1"


@dataclass
class Server:
    data: Path
    port: int

    def settings(self, **changes: str) -> Settings:
        environment = {
            "MAAS_URL": "http://192.0.2.10:5240/MAAS",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": PASSWORD,
            "POSTGRES_DB": "postgres",
            "MAAS_DB_WAIT": "3",
        }
        return settings.load(environment | changes)

    def control(self, *arguments: str) -> None:
        command = [str(BINARIES[-1] / "pg_ctl"), "--pgdata", str(self.data), "--wait", *arguments]
        as_postgres(command)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data} -c fsync=off"
        self.control("--log", str(self.data / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.control("--mode", "immediate", "stop")


def as_postgres(command: list[str]) -> None:
    user: int | None = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres").pw_uid
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
