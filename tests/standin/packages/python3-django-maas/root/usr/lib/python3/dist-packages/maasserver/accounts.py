"""Users and their API keys (maas-operate.md 2)."""

from __future__ import annotations

import secrets
import string
import time

from django.contrib.auth.models import User
from django.db import transaction
from piston3.models import Consumer, Token

from maasserver.models import UserProfile

DEFAULT_KEY = "MAAS consumer"
SYSTEM_USERS = ("MAAS", "maas-init-node")
_ALPHABET = string.ascii_letters + string.digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def create_key(user: User, name: str = DEFAULT_KEY) -> Token:
    """A key is a consumer and a token: 18:18:32 characters, an empty consumer secret."""
    consumer = Consumer.objects.create(name=name, key=_random(18), user=user)
    return Token.objects.create(
        key=_random(18),
        secret=_random(32),
        timestamp=int(time.time()),
        user=user,
        consumer=consumer,
    )


@transaction.atomic
def create_user(username: str, email: str, password: str, is_superuser: bool) -> User:
    """A user with a profile and one key."""
    create = User.objects.create_superuser if is_superuser else User.objects.create_user
    user = create(username=username, email=email, password=password)
    UserProfile.objects.create(user=user, completed_intro=False)
    create_key(user)
    return user


@transaction.atomic
def ensure_system_users() -> None:
    """What regiond's first start adds: `MAAS` is even a superuser (maas-region-run.md 4)."""
    for name in SYSTEM_USERS:
        user, created = User.objects.get_or_create(
            username=name, defaults={"email": None, "is_superuser": name == "MAAS"}
        )
        if created:
            user.set_unusable_password()
            user.save()
            create_key(user)
