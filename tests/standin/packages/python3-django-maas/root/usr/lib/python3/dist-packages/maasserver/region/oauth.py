"""OAuth 1.0 PLAINTEXT, and what MAAS answers to bad credentials (maas-operate.md 1.1)."""

from __future__ import annotations

import re
import time
from urllib.parse import unquote

from django.contrib.auth.models import User
from django.db import IntegrityError
from piston3.models import Consumer, Nonce, Token

from maasserver.region.http import HTML, TEXT, Request

THRESHOLD = 300


class Denied(Exception):
    """401 with this body."""

    def __init__(self, body: str, content_type: str = HTML) -> None:
        super().__init__(body)
        self.body = body
        self.content_type = content_type


def user_of(request: Request) -> User:
    """The owner of the key that signed the request."""
    header = request.headers.get("authorization", "")
    given = {key: unquote(value) for key, value in re.findall(r'(\w+)="([^"]*)"', header)}
    needed = ("consumer_key", "token", "signature", "nonce", "timestamp")
    if not header.startswith("OAuth ") or not all(f"oauth_{n}" in given for n in needed):
        raise Denied("Forbidden", TEXT)
    consumer = Consumer.objects.filter(key=given["oauth_consumer_key"]).first()
    if consumer is None:
        raise Denied("Authorization Error: Invalid API key.")
    token = Token.objects.filter(consumer=consumer, key=given["oauth_token"]).first()
    if token is None:
        raise Denied(f"Authorization Error: 'Invalid access token: {given['oauth_token']}'")
    _check_age(given["oauth_timestamp"])
    expected = f"{consumer.secret}&{token.secret}"
    if given["oauth_signature"] != expected:
        # MAAS's piston discloses the secret here; so that nobody prints such bodies, so do we.
        raise Denied(
            f"Authorization Error: 'Invalid signature. Expected signature base string: {expected}'"
        )
    try:
        Nonce.objects.create(
            token_key=token.key, consumer_key=consumer.key, key=given["oauth_nonce"][:255]
        )
    except IntegrityError:
        raise Denied(f"Authorization Error: 'Nonce already used: {given['oauth_nonce']}'") from None
    return token.user


def _check_age(given: str) -> None:
    """Too old is refused, from the future is not."""
    now = int(time.time())
    if not given.isdigit() or now - int(given) > THRESHOLD:
        raise Denied(
            f"Authorization Error: 'Expired timestamp: given {given} and now {now} has a "
            f"greater difference than threshold {THRESHOLD}'"
        )
