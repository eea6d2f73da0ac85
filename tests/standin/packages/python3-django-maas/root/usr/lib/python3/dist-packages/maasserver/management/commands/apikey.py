"""`apikey` (maas-region-run.md 3.4, maas-operate.md 2)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from piston3.models import Token

from maasserver import accounts, configvalues


class Command(BaseCommand):
    """List, add, rename and delete the keys of a user."""

    help = "Used to manage a user's API keys. Shows existing keys unless --generate or --delete."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", help="Specifies the username for the user.")
        parser.add_argument("--generate", action="store_true", help="Generate a new API key.")
        parser.add_argument("--name", default=accounts.DEFAULT_KEY, help="Name of the API key.")
        parser.add_argument("--with-names", action="store_true", help="Show keys with names.")
        parser.add_argument("--delete", metavar="KEY", help="Delete an API key.")
        parser.add_argument("--update", metavar="KEY", help="Rename an API key.")

    def handle(self, *args: object, **options: Any) -> None:
        configvalues.get("enable_analytics")
        if not options["username"]:
            raise CommandError("You must provide a username with --username.")
        try:
            user = User.objects.get(username=options["username"])
        except User.DoesNotExist:
            raise CommandError("User does not exist.") from None
        user.userprofile  # noqa: B018  system users have none: a traceback, as in MAAS
        if options["generate"]:
            self.stdout.write(str(accounts.create_key(user, options["name"])))
        elif options["delete"]:
            self._find(user, options["delete"]).consumer.delete()
        elif options["update"]:
            consumer = self._find(user, options["update"]).consumer
            consumer.name = options["name"]
            consumer.save()
        else:
            self._list(user, options["with_names"])

    def _list(self, user: User, with_names: bool) -> None:
        for token in Token.objects.filter(user=user).select_related("consumer").order_by("id"):
            self.stdout.write(f"{token} {token.consumer.name}" if with_names else str(token))

    def _find(self, user: User, credentials: str) -> Token:
        parts = credentials.split(":")
        if len(parts) != 3:
            raise CommandError("Malformed credentials string: expected consumer:token:secret.")
        consumer, key, secret = parts
        found = Token.objects.filter(
            user=user, consumer__key=consumer, key=key, secret=secret
        ).first()
        if found is None:
            raise CommandError("No matching api key found.")
        return found
