"""`createadmin` (maas-region-run.md 3.3)."""

from __future__ import annotations

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from maasserver import accounts, configvalues


class AlreadyExistingUser(CommandError):
    """The username or the email is taken."""


class InconsistentPassword(CommandError):
    """The two passwords differ."""


def read_password() -> str:
    """Ask twice. At the end of stdin this asks for ever: that is MAAS's trap (3.3)."""

    def ask(prompt: str) -> str:
        while True:
            try:
                answer = getpass(prompt)
            except EOFError:
                continue
            if answer:
                return answer

    password = ask("Password: ")
    if ask("Again: ") != password:
        raise InconsistentPassword("Passwords do not match")
    return password


class Command(BaseCommand):
    """A new administrator; an existing one is an error."""

    help = "Create a MAAS administrator account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", help="Specifies the username for the admin.")
        parser.add_argument("--password", help="Specifies the password for the admin.")
        parser.add_argument("--email", help="Specifies the email for the admin.")
        parser.add_argument("--ssh-import", help="Import SSH keys from lp:user or gh:user.")

    def handle(self, *args: object, **options: Any) -> None:
        configvalues.get("enable_analytics")  # MAAS reads its settings first: 3, last line
        complete = all(options[name] is not None for name in ("username", "password", "email"))
        username = options["username"] or input("Username: ")
        password = options["password"] or read_password()
        email = options["email"] or input("Email: ")
        if options["ssh_import"] is None and not complete:
            input("Import SSH keys [] (lp:user-id or gh:user-id): ")
        if User.objects.filter(Q(username=username) | Q(email=email)).exists():
            raise AlreadyExistingUser(f"A user with the email {email} already exists.")
        accounts.create_user(username, email, password, is_superuser=True)
