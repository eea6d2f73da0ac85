"""Resource limits of one program: `rlimits=nofile=65536 core=0` in its file.

`nproc` is refused: the kernel counts the processes of a UID over all containers of the host, so
that another app of UID 568 could keep this one from forking. Compose's `pids_limit` counts this
container's only.
"""

import math
import resource

Limits = dict[str, int]

HIGHEST = 2**63 - 1  # that setrlimit(2) takes from Python

_KINDS = {
    name.removeprefix("RLIMIT_").lower(): getattr(resource, name)
    for name in dir(resource)
    if name.startswith("RLIMIT_") and name != "RLIMIT_NPROC"
}


def parse(text: str) -> Limits:
    """Return the limits by name. Raises ValueError."""
    limits = {}
    for word in text.split():
        name, _, value = word.partition("=")
        if name == "nproc":
            raise ValueError(
                "rlimits: nproc counts all containers of this UID together; use pids_limit in the"
                " compose file"
            )
        if name not in _KINDS:
            raise ValueError(f"rlimits: {name} is not among {' '.join(sorted(_KINDS))}")
        if value != "unlimited" and not value.isdecimal():
            raise ValueError(f"rlimits: {word} must be {name}=NUMBER or {name}=unlimited")
        limits[name] = resource.RLIM_INFINITY if value == "unlimited" else int(value)
        if limits[name] > HIGHEST:
            raise ValueError(f"rlimits: {word} is above {HIGHEST}; {name}=unlimited is none")
    return limits


def apply(limits: Limits) -> None:
    """Set the limits of this process, as far as the container's own allow it."""
    for name, wanted in limits.items():
        kind = _KINDS[name]
        hard = resource.getrlimit(kind)[1]
        limit = min((wanted, hard), key=lambda n: math.inf if n == resource.RLIM_INFINITY else n)
        resource.setrlimit(kind, (limit, limit))
