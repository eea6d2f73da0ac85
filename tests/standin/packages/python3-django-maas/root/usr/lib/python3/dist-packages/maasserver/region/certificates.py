"""CA and cluster certificate (maas-region-run.md 1.4).

The database has them under `global/cluster-certificate`. On disk they are written only when one
of the three files is missing, and never compared with the database.
"""

from __future__ import annotations

import datetime
from typing import Any

from provisioningserver import paths
from provisioningserver.files import atomic_write

from maasserver.models import Config, Secret

SECRET = "global/cluster-certificate"
TLS_SECRET = "global/tls"
TLS_PORT = "tls_port"
FILES = {"cluster.pem": "cert", "cluster.key": "key", "cacerts.pem": "cacert"}
LIFETIME = datetime.timedelta(days=3650)


def ensure() -> None:
    """The directory must exist: without it regiond's start fails for ever (2)."""
    row = Secret.objects.filter(path=SECRET).first()
    if row is None:
        row = Secret.objects.create(path=SECRET, value=_make())
    directory = paths.certificates()
    if all((directory / name).exists() for name in FILES):
        return
    for name, part in FILES.items():
        atomic_write(directory / name, row.value[part], 0o600 if part == "key" else 0o644)


def tls() -> dict[str, Any] | None:
    """Port, key, certificate and chain of MAAS's own TLS, where it is on (maas-operate.md 3)."""
    port = Config.objects.filter(name=TLS_PORT).first()
    row = Secret.objects.filter(path=TLS_SECRET).first()
    if port is None or not port.value or row is None:
        return None
    return {"port": port.value, **row.value}


def _make() -> dict[str, str]:
    """A CA and a certificate for the server name "maas"; imported late, it is a big library."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def pem(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    now = datetime.datetime.now(datetime.timezone.utc)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())

    def base(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("maas-ca"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + LIFETIME)
        )

    ca = (
        base("maas-ca", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    certificate = (
        base("maas", key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("maas")]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {"cert": pem(certificate), "key": private.decode(), "cacert": pem(ca)}
