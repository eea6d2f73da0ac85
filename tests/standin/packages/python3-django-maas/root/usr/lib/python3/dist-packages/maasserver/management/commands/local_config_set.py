"""`local_config_set`: keys of regiond.conf from the command line (maas-region-run.md 3.1)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from maasserver import config

TEXT = (
    "maas_url",
    "broadcast_address",
    "database_host",
    "database_name",
    "database_user",
    "database_pass",
)
NUMBERS = {"database_port": (1, 65535), "num_workers": (1, 10)}
FLAGS = ("debug", "debug_queries", "debug_http")


class Command(BaseCommand):
    """Sets what is given and leaves the rest alone; without options makes an empty file."""

    help = "Set local configuration for the MAAS region controller."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in (*TEXT, *NUMBERS, *FLAGS):
            parser.add_argument(f"--{name.replace('_', '-')}")

    def handle(self, *args: object, **options: Any) -> None:
        names = [name for name in (*TEXT, *NUMBERS, *FLAGS) if options[name] is not None]
        config.update({name: self._value(name, options[name]) for name in names})

    def _value(self, name: str, raw: str) -> object:
        option = name.replace("_", "-")
        if name in NUMBERS:
            low, high = NUMBERS[name]
            if not raw.isdigit() or not low <= int(raw) <= high:
                raise CommandError(f"{option}: Please enter a number from {low} to {high}.")
            return int(raw)
        if name in FLAGS:
            if raw.lower() not in ("true", "false", "yes", "no", "1", "0"):
                raise CommandError(f"{option}: Please enter a truth value.")
            return raw.lower() in ("true", "yes", "1")
        return raw
