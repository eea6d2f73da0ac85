"""`config_tls`: MAAS's own TLS on or off (maas-operate.md 3)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from maasserver import configvalues
from maasserver.models import Secret
from maasserver.region.certificates import TLS_PORT, TLS_SECRET


class CertificateError(Exception):
    """Key and certificate do not do; a traceback, as in MAAS."""


class Command(BaseCommand):
    """Neither the port nor the certificate's dates and names are looked at."""

    help = "Configure TLS for the MAAS region controller."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        enable = actions.add_parser("enable")
        enable.add_argument("key")
        enable.add_argument("cert")
        enable.add_argument("--cacert")
        enable.add_argument("-p", "--port", type=int, default=5443)
        enable.add_argument("--yes", action="store_true")
        actions.add_parser("disable")

    def handle(self, *args: object, **options: Any) -> None:
        if options["action"] == "enable":
            self._enable(options)
        else:
            self._store(None, None)

    def _enable(self, options: dict[str, Any]) -> None:
        key, cert = _read("key", options["key"]), _read("cert", options["cert"])
        cacert = _read("--cacert", options["cacert"]) if options["cacert"] else ""
        _check(key, cert)
        if not options["yes"] and not _confirmed():
            return
        self._store({"key": key, "cert": cert, "cacert": cacert}, options["port"])

    @transaction.atomic
    def _store(self, secret: dict[str, str] | None, port: int | None) -> None:
        if secret is None:
            Secret.objects.filter(path=TLS_SECRET).delete()
        else:
            Secret.objects.update_or_create(path=TLS_SECRET, defaults={"value": secret})
        configvalues.put(TLS_PORT, port)
        with connection.cursor() as cursor:
            cursor.execute("NOTIFY sys_reverse_proxy")


def _read(argument: str, name: str) -> str:
    try:
        return Path(name).read_text()
    except OSError as failure:
        raise CommandError(
            f"Error: argument {argument}: can't open '{name}': {failure.strerror}"
        ) from None


def _check(key: str, cert: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key.encode(), None)
        certificate = x509.load_pem_x509_certificate(cert.encode())
    except TypeError:
        raise CertificateError("Private key can't have a passphrase") from None
    except ValueError:
        raise CertificateError("Invalid PEM material") from None
    if _public(private.public_key()) != _public(certificate.public_key()):
        raise CertificateError("Private and public keys don't match")


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def _confirmed() -> bool:
    """At the end of stdin this waits for ever, and says no more: that is MAAS's trap."""
    question = "Are you sure that MAAS shall be reached by TLS only? (y/n) "
    while True:
        try:
            answer = input(question).strip().lower()
        except EOFError:
            question = ""
            continue
        if answer in ("y", "yes", "n", "no"):
            return answer.startswith("y")
