"""`config_vault`: there is no Vault here, so its status is all that can be asked for."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Secrets are in the database, always."""

    help = "Show whether the MAAS region controller keeps its secrets in a Vault."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status")

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write("status: disabled")
