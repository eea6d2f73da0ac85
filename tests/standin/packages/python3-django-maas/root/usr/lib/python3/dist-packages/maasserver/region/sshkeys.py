"""SSH keys of a user, imported from Launchpad or GitHub by name.

There is no internet here: a key is made up of the name, and who is called nobody… has none.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

from django.contrib.auth.models import User

from maasserver.models import SSHKey

SITES = {"lp": "launchpad", "gh": "github"}


class ImportFailed(Exception):
    """400 with this text."""


def of(user: User) -> list[dict[str, Any]]:
    """The user's keys as the API shows them."""
    return [
        {
            "id": key.id,
            "key": key.key,
            "keysource": key.keysource or "",
            "resource_uri": f"/MAAS/api/2.0/account/prefs/sshkeys/{key.id}/",
        }
        for key in SSHKey.objects.filter(user=user).order_by("id")
    ]


def import_for(user: User, source: str | None) -> list[dict[str, Any]]:
    """The user's keys of that source are then those that the site has."""
    if not source:
        raise ImportFailed(
            "Importing SSH keys failed. Input needs to be in protocol:auth_id or auth_id format."
        )
    protocol, colon, name = source.partition(":")
    if not colon:
        protocol, name = "lp", source
    if protocol not in SITES or name.startswith("nobody"):
        site = SITES.get(protocol, protocol)
        raise ImportFailed(
            f"Unable to import SSH keys. There are no SSH keys for {site} user {name}."
        )
    source = f"{protocol}:{name}"
    defaults = {"key": _key_of(name)}
    SSHKey.objects.update_or_create(user=user, keysource=source, defaults=defaults)
    return [entry for entry in of(user) if entry["keysource"] == source]


def _key_of(name: str) -> str:
    """A well-formed public key to which nobody has the private one."""
    parts = (b"ssh-ed25519", hashlib.sha256(name.encode()).digest())
    blob = b"".join(struct.pack("!I", len(part)) + part for part in parts)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {name}"
