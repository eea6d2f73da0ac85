"""The program files' keys that are the plugin's own.

    needs=init /run/maas/worker.sock   programs, files and sockets without which it is not started
    configuration=/path                the file that MAAS writes for it: where it is missing when
                                       needs are met, MAAS has to ask, and its request waits for it
    essential=true                     without it the container stops
    pebble=proxy                       the name by which MAAS asks for it
    secrets=POSTGRES_PASSWORD          variables with a secret that it gets (* stands for anything)
    rlimits=nofile=65536 core=0        its resource limits

Stock supervisor ignores keys that it does not know, so a misspelt one would be silent: here every
key of a [program:…] section must be known. Stock keys that the plugin's log cannot honour are not.
"""

import configparser
import difflib
import glob
import graphlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from supervisord import rlimits

_T = TypeVar("_T")

OWN_KEYS = frozenset({"needs", "configuration", "essential", "pebble", "secrets", "rlimits"})

# http://supervisord.org/configuration.html#program-x-section-values
STOCK_KEYS = frozenset(
    {
        "command",
        "priority",
        "autostart",
        "startsecs",
        "startretries",
        "autorestart",
        "exitcodes",
        "stopsignal",
        "stopwaitsecs",
        "stopasgroup",
        "killasgroup",
        "user",
        "redirect_stderr",
        "stdout_logfile",
        "stdout_logfile_maxbytes",
        "stdout_logfile_backups",
        "stderr_logfile",
        "stderr_logfile_maxbytes",
        "stderr_logfile_backups",
        "environment",
        "directory",
        "umask",
        "serverurl",
    }
)


class ProgramFileError(Exception):
    """Program files that cannot be used; the text names each file and entry, a line each."""


@dataclass(frozen=True)
class Program:
    """One program, as far as the plugin is concerned."""

    name: str
    path: Path
    needs: tuple[str, ...]
    autostart: bool
    configuration: Path | None
    one_shot: bool
    essential: bool
    pebble: str | None
    secrets: tuple[str, ...]
    rlimits: rlimits.Limits


def read_all(configuration: Path) -> dict[str, Program]:
    """Read the programs that supervisord's configuration and the files it includes declare.

    Raises ProgramFileError with all problems: files that cannot be read, keys and needs that are
    not known, needs in a circle.
    """
    main = _parse(configuration)
    programs: dict[str, Program] = {}
    problems: list[str] = []
    paths = [
        Path(name)
        for pattern in main.get("include", "files", fallback="").split()
        for name in sorted(glob.glob(str(configuration.parent / pattern)))
    ]
    for path in [configuration, *paths]:
        try:
            parser = main if path == configuration else _parse(path)
        except ProgramFileError as error:
            problems.append(str(error))
            continue
        for section in parser.sections():
            if section.startswith(("eventlistener:", "fcgi-program:")):
                problems.append(f"cannot use {path}: [{section}] is not supported here")
            elif section.startswith("program:"):
                program = _program(path, section, parser[section], problems)
                programs[program.name] = program
    problems += _unknown_needs(programs)
    if not problems:
        problems += _circles(programs)
    if problems:
        raise ProgramFileError("\n".join(problems))
    return programs


def run_directory(configuration: Path) -> Path:
    """Return the directory of supervisord's pid file and sockets. Raises ProgramFileError."""
    try:
        return Path(_parse(configuration)["supervisord"]["pidfile"]).parent
    except KeyError as error:
        raise ProgramFileError(f"cannot use {configuration}: there is no {error}") from None


def _parse(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    try:
        text = path.read_text(encoding="utf-8")
        parser.read_string(text, str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ProgramFileError(f"cannot read {path}: {error}") from None
    if "\0" in text:  # which no name, path or command can have
        raise ProgramFileError(f"cannot use {path}: there is a NUL character in it")
    return parser


def _program(
    path: Path, section: str, entry: configparser.SectionProxy, problems: list[str]
) -> Program:
    where = f"cannot use {path}: [{section}]"
    for key in entry:
        if key not in STOCK_KEYS | OWN_KEYS:
            near = difflib.get_close_matches(key, STOCK_KEYS | OWN_KEYS, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            known = f"known, besides supervisor's own, are {' '.join(sorted(OWN_KEYS))}"
            problems.append(f"{where} has an unknown key {key}; {hint}{known}")

    def read(key: str, convert: Callable[[str], _T], default: _T) -> _T:
        try:
            return convert(entry[key]) if key in entry else default
        except ValueError as error:
            problems.append(f"{where} {key}={entry[key]}: {error}")
            return default

    return Program(
        name=section.partition(":")[2],
        path=path,
        needs=read("needs", _words, ()),
        autostart=read("autostart", _boolean, True),
        configuration=read("configuration", Path, None),
        one_shot=entry.get("startsecs", "").strip("0 ") == "" and "startsecs" in entry,
        essential=read("essential", _boolean, False),
        pebble=entry.get("pebble"),
        secrets=read("secrets", _words, ()),
        rlimits=read("rlimits", rlimits.parse, {}),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _boolean(text: str) -> bool:
    try:
        return configparser.RawConfigParser.BOOLEAN_STATES[text.lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _unknown_needs(programs: Mapping[str, Program]) -> Iterator[str]:
    for program in programs.values():
        for need in program.needs:
            if not need.startswith("/") and need not in programs:
                yield (
                    f"cannot use {program.path}: [program:{program.name}] needs {need}, which is"
                    f" neither an absolute path nor among {' '.join(sorted(programs))}"
                )


def _circles(programs: Mapping[str, Program]) -> Iterator[str]:
    needs = {
        program.name: [need for need in program.needs if not need.startswith("/")]
        for program in programs.values()
    }
    while True:
        try:
            graphlib.TopologicalSorter(needs).prepare()
            return
        except graphlib.CycleError as error:
            circle = error.args[1][::-1]
            files = ", ".join(str(programs[name].path) for name in circle[1:])
            yield f"cannot use {files}: none of them could start, for {' needs '.join(circle)}"
            for name in circle[1:]:
                del needs[name]
