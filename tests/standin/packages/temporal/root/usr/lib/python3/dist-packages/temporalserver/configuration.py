"""`<root>/<config>/<env>.yaml`, as far as a server without workflows needs it.

The keys are those of Temporal's documented service configuration.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROLES = {"frontend": 1, "history": 2, "matching": 3, "worker": 4}
"""Temporal's numbers for its services in cluster_membership."""


class Unusable(Exception):
    """One line on why the server cannot go on."""


@dataclass(frozen=True)
class Store:
    """A datastore: where it is, and how many connections to keep."""

    name: str
    host: str
    port: str
    user: str
    password: str
    database: str
    attributes: dict[str, str]
    connections: int


@dataclass(frozen=True)
class Tls:
    """A server's certificate, and the authority that its clients must come from."""

    certificate: str
    key: str
    client_authorities: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    """One of the four services of a server."""

    name: str
    number: int
    address: str
    rpc_port: int
    membership_port: int
    tls: Tls


@dataclass(frozen=True)
class Configuration:
    """All of it."""

    broadcast_address: str
    default_store: Store
    visibility_store: Store
    roles: tuple[Role, ...]
    metrics_host: str
    metrics_port: int


def load(path: Path) -> Configuration:
    """Read the file; every way in which it is not usable ends in `Unusable`."""
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise Unusable(f"there is no configuration {path}") from None
    except (OSError, UnicodeDecodeError) as failure:
        raise Unusable(f"cannot read {path}: {failure}") from None
    except yaml.YAMLError as failure:
        # not the failure's own text: it would quote the line with the password
        mark = getattr(failure, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Unusable(f"{path} is not valid YAML{where}") from None
    try:
        return _configuration(content)
    except KeyError as failure:
        raise Unusable(f"{path} has no {failure.args[0]}") from None
    except (TypeError, ValueError, AttributeError) as failure:
        raise Unusable(f"{path} is not usable: {failure}") from None


def _configuration(content: Any) -> Configuration:
    roles = tuple(_role(content, name) for name in ROLES)
    metrics = str(_at(content, "global.metrics.prometheus.listenAddress"))
    metrics_host, _, metrics_port = metrics.rpartition(":")
    return Configuration(
        broadcast_address=_broadcast(content, roles),
        default_store=_store(content, _at(content, "persistence.defaultStore")),
        visibility_store=_store(content, _at(content, "persistence.visibilityStore")),
        roles=roles,
        metrics_host=metrics_host,
        metrics_port=int(metrics_port),
    )


def _at(content: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(content, dict) or name not in content:
            raise KeyError(path)
        content = content[name]
    return content


def _store(content: Any, name: str) -> Store:
    sql = _at(content, f"persistence.datastores.{name}.sql")
    host, _, port = str(_at(sql, "connectAddr")).rpartition(":")
    attributes = sql.get("connectAttributes") or {}
    return Store(
        name=name,
        host=host,
        port=str(int(port)),
        user=str(_at(sql, "user")),
        password=str(sql.get("password") or ""),
        database=str(_at(sql, "databaseName")),
        attributes={str(key): str(value) for key, value in attributes.items()},
        connections=int(sql.get("maxConns") or 1),
    )


def _role(content: Any, name: str) -> Role:
    """The frontend has a TLS section of its own; the others share `internode`."""
    rpc = _at(content, f"services.{name}.rpc")
    section = "frontend" if name == "frontend" else "internode"
    server = _at(content, f"global.tls.{section}.server")
    if not server.get("requireClientAuth"):
        raise ValueError(f"global.tls.{section}.server does not require client certificates")
    return Role(
        name=name,
        number=ROLES[name],
        address=str(rpc.get("bindOnIP") or "127.0.0.1"),
        rpc_port=int(_at(rpc, "grpcPort")),
        membership_port=int(_at(rpc, "membershipPort")),
        tls=Tls(
            str(_at(server, "certFile")),
            str(_at(server, "keyFile")),
            tuple(_at(server, "clientCaFiles")),
        ),
    )


def _broadcast(content: Any, roles: tuple[Role, ...]) -> str:
    """Temporal accepts no empty address where it listens on all interfaces."""
    address = _at(content, "global.membership").get("broadcastAddress") or ""
    if not address:
        address = roles[0].address
    if ipaddress.ip_address(address).is_unspecified:
        raise ValueError(f"broadcastAddress is needed where bindOnIP is {address}")
    return str(address)
