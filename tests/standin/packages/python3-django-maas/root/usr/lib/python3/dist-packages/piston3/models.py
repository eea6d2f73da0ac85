"""OAuth keys: `consumer.key:token.key:token.secret` (maas-operate.md 2)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Consumer(models.Model):
    """One per key; its name is the key's name."""

    name = models.CharField(max_length=255)
    description = models.TextField(default="")
    key = models.CharField(max_length=18)
    secret = models.CharField(max_length=32, default="")
    status = models.CharField(max_length=16, default="accepted")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)

    class Meta:
        managed = False
        db_table = "piston3_consumer"


class Token(models.Model):
    """An access token of a user."""

    key = models.CharField(max_length=18)
    secret = models.CharField(max_length=32)
    verifier = models.CharField(max_length=10, default="")
    token_type = models.IntegerField(default=2)
    timestamp = models.IntegerField(default=0)
    is_approved = models.BooleanField(default=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE)
    callback = models.CharField(max_length=255, null=True)
    callback_confirmed = models.BooleanField(default=False)

    class Meta:
        managed = False
        db_table = "piston3_token"

    def __str__(self) -> str:
        return f"{self.consumer.key}:{self.key}:{self.secret}"


class Nonce(models.Model):
    """Every nonce that was used: none is accepted twice (maas-operate.md 1.1)."""

    token_key = models.CharField(max_length=18)
    consumer_key = models.CharField(max_length=18)
    key = models.CharField(max_length=255)

    class Meta:
        managed = False
        db_table = "piston3_nonce"
