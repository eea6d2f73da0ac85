"""`changepasswords`: lines of `user:password` on stdin (maas-versions.md 1.6)."""

from __future__ import annotations

import fileinput
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction


class Command(BaseCommand):
    """All of the lines, or none."""

    help = "Update passwords in batch mode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("filenames", nargs="*", metavar="FILE")

    @transaction.atomic
    def handle(self, *args: object, **options: Any) -> None:
        count = 0
        with fileinput.input(options["filenames"] or ["-"]) as lines:
            for line in lines:
                username, separator, password = line.rstrip("\r\n").partition(":")
                if not separator:
                    raise CommandError(
                        "Invalid input provided. Format is 'username:password', one per line."
                    )
                try:
                    user = User.objects.get(username=username)
                except User.DoesNotExist:
                    raise CommandError(f"User '{username}' does not exist.") from None
                user.set_password(password)
                user.save()
                count += 1
        self.stderr.write(f"{count} password(s) successfully changed.")
