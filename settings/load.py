"""Reads the settings from the environment, or from the files that `…_FILE` variables name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.declaration import Declaration, Settings, declarations

# Far more than any password: a wrong path, such as that of a device, must not fill the memory.
LONGEST_SECRET = 4096


class SettingsError(Exception):
    """One or more settings cannot be used; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check every setting; an empty variable counts as not set.

    Raises SettingsError with all problems of the whole environment.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in declarations():
        try:
            values[setting.name.lower()] = _read(setting, environ)
        except ValueError as error:
            problem = f"{setting.name} {error}"
            if f"{setting.name}_FILE" not in problem:
                problem += f". Example: {setting.name}={setting.example}"
            problems.append(problem)
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


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
        raise ValueError("is not set")
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


def read_secret(path: Path) -> str:
    """Return what is in a file, without its line end.

    Raises ValueError, whose text completes the sentence "NAME …" and never holds the secret.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read from {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot be read from {path}: it is not text") from None
    if len(content) > LONGEST_SECRET:
        raise ValueError(f"is longer than {LONGEST_SECRET} bytes in {path}")
    if not text:
        raise ValueError(f"is empty in {path}")
    return text
