"""Reads the settings from the environment, or from the files that `…_FILE` variables name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.declaration import Declaration, Settings, declarations
from settings.region import read_region_settings
from settings.secret_file import read_secret


class SettingsError(Exception):
    """One or more settings cannot be used; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _NotSet(ValueError):
    """A required setting is not set."""


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check every setting; an empty variable counts as not set.

    Raises SettingsError with all problems of the whole environment. Where a required setting is
    missing, this may be the first start, and what only that one needs is named, too.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    missing = False
    for setting in declarations():
        try:
            values[setting.name.lower()] = _read(setting, environ)
        except ValueError as error:
            problem = f"{setting.name} {error}"
            if f"{setting.name}_FILE" not in problem:
                problem += f". Example: {setting.name}={setting.example}"
            problems.append(problem)
            missing |= isinstance(error, _NotSet)
    if missing and values.get("maas_admin_password", "") is None:
        problems.append(
            "MAAS_ADMIN_PASSWORD is not set, and the first start needs it. Example:"
            " MAAS_ADMIN_PASSWORD=a-long-password"
        )
    region_settings, region_problems = read_region_settings(environ)
    problems += region_problems
    if problems:
        raise SettingsError(problems)
    return Settings(**values, region_settings=region_settings)


def read(name: str, environ: Mapping[str, str]) -> Any:
    """Read and check one setting, for a program that has no business with the others.

    Raises ValueError.
    """
    setting = next(setting for setting in declarations() if setting.name == name)
    return _read(setting, environ)


def _read(setting: Declaration, environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.name, "")
    if setting.secret:
        text = _from_file(setting.name, environ) or text
    text = text or setting.default or ""
    if text:
        return setting.check(text)
    if setting.required:
        raise _NotSet("is not set")
    return None


def _from_file(name: str, environ: Mapping[str, str]) -> str | None:
    path = environ.get(f"{name}_FILE")
    if not path:
        return None
    if environ.get(name):
        raise ValueError(f"and {name}_FILE are both set; keep one of them")
    try:
        return read_secret(Path(path))
    except ValueError as error:
        raise ValueError(f"{error} ({name}_FILE)") from None
