"""Checks of single values: each takes the text that was given and returns the typed value.

A ValueError's text completes the sentence "NAME …" and says what is wrong, never the value of a
secret.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z0-9_@.+-]{1,150}\Z")
_DATABASE_NAME = re.compile(r"\w[\w.$-]{0,62}\Z")
# Users that MAAS makes for itself (facts/maas-region-run.md 4).
SYSTEM_USERS = ("MAAS", "maas-init-node")


def text(value: str) -> str:
    """Accept any text without line breaks or other control characters."""
    if not value.isprintable():
        raise ValueError("holds a line break or another control character")
    return value


def maas_url(value: str) -> str:
    """Accept the address of the region: http or https, a host, the path /MAAS."""
    if "@" in value:  # it is logged
        raise ValueError("must not hold a user name or password")
    try:
        parts = urlsplit(text(value))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        usable = False
    if not usable:
        raise ValueError(f"is {value!r}, which is not a web address")
    host(str(parts.hostname))
    if parts.hostname in ("0.0.0.0", "::"):
        raise ValueError(f"is {value!r}, but must have an address that machines can reach")
    if parts.path.rstrip("/") != "/MAAS" or parts.query or parts.fragment:
        raise ValueError(f"is {value!r}, but must end in /MAAS")
    return value.rstrip("/")


def database_name(value: str) -> str:
    """Accept the name of a database or role that MAAS can carry to PostgreSQL.

    It writes them unquoted into addresses, Temporal's YAML and Alembic's configuration
    (maas-versions.md 0.5); the database's is part of a file's name, too.
    """
    if not _DATABASE_NAME.match(value):
        raise ValueError(
            "may hold letters, digits and _ . $ - only, at most 63, the first a letter or digit"
        )
    return value


def host(value: str) -> str:
    """Accept a host name, an address, or the directory of a Unix socket."""
    try:
        if value.startswith("/"):
            return text(value)
        value.encode("idna")
    except UnicodeError:  # an empty or overlong part
        raise ValueError(f"is {value!r}, which is not a host name") from None
    if value.count(":") == 1:
        raise ValueError(
            f"is {value!r}, but must be without a port, which has a setting of its own"
        )
    if not re.fullmatch(r"[\w.:-]+", value):
        raise ValueError(f"is {value!r}, which is not a host name")
    return value


def user_name(value: str) -> str:
    """Accept what Django accepts as a user name."""
    if not _NAME.match(value):
        raise ValueError("may hold letters, digits and _ @ . + - only, at most 150")
    if value in SYSTEM_USERS:
        raise ValueError(f"is {value}, a user that MAAS keeps for itself")
    return value


def ssh_key_sources(value: str) -> tuple[str, ...]:
    """Accept lp:NAME and gh:NAME, several with spaces or commas between them."""
    sources = tuple(dict.fromkeys(re.split(r"[,\s]+", value.strip(", "))))
    wrong = [source for source in sources if not re.fullmatch(r"(lp|gh):[\w.+-]+", source)]
    if wrong:
        raise ValueError(f"is {value!r}, but must be lp:NAME or gh:NAME")
    return sources


def email(value: str) -> str:
    """Accept something of the shape name@host."""
    name, at, host = text(value).partition("@")
    if not (name and at and host) or " " in value:
        raise ValueError(f"is {value!r}, which is not an e-mail address")
    return value


def database_password(value: str) -> str:
    """Accept a password that MAAS can carry to the database.

    MAAS writes it unquoted into Temporal's YAML (a double quote or backslash ends it there) and,
    from 3.7 on, into Alembic's configuration (@ and % do): maas-versions.md 0.5,
    maas-37-region-run.md 1.
    """
    found = sorted({c for c in value if c in '"\\@%' or c.isspace() or not c.isprintable()})
    if found:
        raise ValueError(
            "holds a character that MAAS cannot carry to the database "
            '(no spaces, and none of " \\ @ %); letters, digits, _ and - are always safe'
        )
    return value


def one_of(*values: str) -> Callable[[str], str]:
    """Accept one of a few words."""

    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"is {value!r}, but must be {' or '.join(values)}")
        return value

    return check


def boolean(value: str) -> bool:
    """Accept yes or no, in the spellings that people use."""
    if value.lower() in ("yes", "true", "on", "1"):
        return True
    if value.lower() in ("no", "false", "off", "0"):
        return False
    raise ValueError(f"is {value!r}, but must be yes or no")


def integer(least: int, most: int) -> Callable[[str], int]:
    """Make a check for a whole number from `least` to `most`."""

    def check(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"is {value!r}, which is not a whole number") from None
        if not least <= number <= most:
            raise ValueError(f"is {number}, but must be from {least} to {most}")
        return number

    return check


def listen_address(value: str) -> tuple[str, int]:
    """Accept HOST:PORT, an IPv6 host in brackets; return host and port."""
    wrong = ValueError(f"is {value!r}, which is not of the form ADDRESS:PORT")
    try:
        parts = urlsplit(f"//{text(value)}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if not host or not port or parts.path:
        raise wrong
    return host, port
