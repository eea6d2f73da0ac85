"""Step: regiond.conf, which tells MAAS its database and address."""

import os
from pathlib import Path
from typing import Any

import yaml

from maas_init import atomic_file
from maas_init.errors import ConfigurationUnusable
from settings import Settings

MODE = 0o640
MOST_WORKERS = 4
# What one worker needs beside what the rest of the container needs, generously
# (facts/maas-operate.md 7: 180 MB and 800 MB).
WORKER_MB = 256
BASE_MB = 1024
CREDENTIALS = ("database_name", "database_user", "database_pass")


def write(path: Path, settings: Settings) -> bool:
    """Write regiond.conf, keeping the keys that are not ours; say whether it changed.

    With Vault, the credentials are in Vault, and MAAS wants none in the file
    (facts/maas-versions.md 5). Raises ConfigurationUnusable for a file that is not YAML.
    """
    configuration = read(path) | {
        "maas_url": settings.maas_url,
        "database_host": settings.postgres_host,
        "database_port": settings.postgres_port,
        "num_workers": settings.maas_workers or default_workers(),
    }
    for key in CREDENTIALS:
        configuration.pop(key, None)
    if not any(str(key).startswith("vault_") for key in configuration):
        values = (settings.postgres_db, settings.postgres_user, settings.postgres_password)
        configuration |= dict(zip(CREDENTIALS, values, strict=True))
    return atomic_file.write(path, yaml.safe_dump(configuration), MODE)


def default_workers() -> int:
    """Return the number of regiond's workers for this machine."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min(MOST_WORKERS, cores, (_memory_mb() - BASE_MB) // WORKER_MB))


def _memory_mb() -> int:
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(file).read_text(encoding="ascii")))
        except (OSError, ValueError):  # the other version of cgroups, or "max"
            continue
    return min(limits) // 2**20


def read(path: Path) -> dict[str, Any]:
    """Return what is in regiond.conf, if there is one. Raises ConfigurationUnusable."""
    try:
        configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError) as error:  # whose words may quote the password
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ConfigurationUnusable(
            f"cannot read {path}{where}: it is no YAML. Mend or remove it"
        ) from None
    if configuration is None:
        return {}
    if not isinstance(configuration, dict):
        raise ConfigurationUnusable(f"cannot read {path}: it is no mapping. Mend or remove it")
    return configuration
