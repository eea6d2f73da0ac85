"""MAAS's own settings, which `MAAS_SETTING_<name>` declares and `maas-init apply` sets.

MAAS alone knows which there are and what they may be; only what no setting can be is refused here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from settings import check
from settings.secret_file import read_secret

PREFIX = "MAAS_SETTING_"
_FILE = "_FILE"
# Such as vcenter_password.
_SECRET = re.compile("password|secret|token|credential|_key")


@dataclass(frozen=True)
class RegionSetting:
    """What one of MAAS's settings is to be. A secret one is never shown."""

    text: str
    secret: bool

    def hidden_in(self, text: str) -> str:
        """Return what MAAS says, without the setting's value if that is a secret."""
        return text.replace(self.text, "***") if self.secret else text


def read_region_settings(
    environ: Mapping[str, str],
) -> tuple[dict[str, RegionSetting], list[str]]:
    """Return MAAS's name -> value for each declared setting, and a sentence for each problem.

    MAAS's names are in small letters, whatever the variable's are. An empty variable, or one of
    spaces, leaves the setting alone. `MAAS_SETTING_<name>_FILE` names a file with the value.
    """
    values: dict[str, RegionSetting] = {}
    problems = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or not environ[variable].strip():
            continue
        name = variable.removeprefix(PREFIX).removesuffix(_FILE).lower()
        try:
            value = environ[variable]
            secret = variable.endswith(_FILE) or bool(_SECRET.search(name))
            if variable.endswith(_FILE):
                value = read_secret(Path(value))
            if not value.strip():
                raise ValueError("is empty: MAAS's own value is kept by leaving the variable away")
            if not name:
                raise ValueError("names no setting of MAAS. Example: MAAS_SETTING_upstream_dns")
            if name in values:
                raise ValueError(f"declares {name}, which another variable does, too; keep one")
            values[name] = RegionSetting(check.text(value.strip()), secret)
        except ValueError as error:
            problems.append(f"{variable} {error}")
    return values, problems
