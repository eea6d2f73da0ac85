"""MAAS's own settings, which `MAAS_SETTING_<name>` declares and `maas-init apply` sets.

MAAS alone knows which there are and what they may be; only what no setting can be is refused here.
"""

from collections.abc import Mapping
from pathlib import Path

from settings import check
from settings.declaration import secret_names
from settings.secret_file import read_secret

PREFIX = "MAAS_SETTING_"
_FILE = "_FILE"


def secret_variables(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the variables of an environment that hold a secret, or may: MAAS's own settings do."""
    return secret_names() | {name for name in environ if name.startswith(PREFIX)}


def read_region_settings(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return MAAS's name -> text for each declared setting, and a sentence for each problem.

    MAAS's names are in small letters, whatever the variable's are. An empty variable, or one of
    spaces, leaves the setting alone. `MAAS_SETTING_<name>_FILE` names a file with the value.
    """
    values: dict[str, str] = {}
    problems = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or not environ[variable].strip():
            continue
        name = variable.removeprefix(PREFIX).removesuffix(_FILE).lower()
        try:
            value = environ[variable]
            if variable.endswith(_FILE):
                value = read_secret(Path(value))
            if not value.strip():
                raise ValueError("is empty: MAAS's own value is kept by leaving the variable away")
            if not name:
                raise ValueError("names no setting of MAAS. Example: MAAS_SETTING_upstream_dns")
            if name in values:
                raise ValueError(f"declares {name}, which another variable does, too; keep one")
            values[name] = check.text(value.strip())
        except ValueError as error:
            problems.append(f"{variable} {error}")
    return values, problems
