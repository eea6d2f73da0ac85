"""Certificates as MAAS makes them for its cluster: a CA, and one for the name "maas"."""

import ssl
import subprocess
from pathlib import Path


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def make(directory: Path) -> None:
    """Make cacerts.pem, cluster.pem and cluster.key in a directory."""
    directory.mkdir(parents=True)
    key = ("-newkey", "rsa:2048", "-nodes")
    openssl(
        directory, "req", "-x509", *key, "-keyout", "ca.key", "-out", "cacerts.pem", "-subj=/CN=ca"
    )
    signed = ("-CA", "cacerts.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:maas")
    openssl(
        directory,
        "req",
        "-x509",
        *key,
        *("-keyout", "cluster.key", "-out", "cluster.pem", "-subj=/CN=maas"),
        *signed,
    )


def server_context(directory: Path) -> ssl.SSLContext:
    """Return a context for HTTP/2 servers that want a certificate of the cluster's."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=directory / "cacerts.pem")
    context.load_cert_chain(directory / "cluster.pem", directory / "cluster.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["h2"])
    return context
