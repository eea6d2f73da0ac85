"""The program files' keys that are the plugin's own.

    needs=init /run/maas/worker.sock   programs, files and sockets without which it is not started
    configuration=/path                the file that MAAS writes for it: where it is missing when
                                       needs are met, MAAS has to ask, and its request waits for it
    essential=true                     without it the container stops
    pebble=proxy                       the name by which MAAS asks for it
    secrets=POSTGRES_PASSWORD          variables with a secret that it gets

Stock supervisor ignores keys that it does not know, so a misspelt one would be silent: here every
key of a [program:…] section must be known.
"""

import configparser
import difflib
import glob
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OWN_KEYS = frozenset({"needs", "configuration", "essential", "pebble", "secrets"})

# http://supervisord.org/configuration.html#program-x-section-values
STOCK_KEYS = frozenset(
    {
        "command",
        "process_name",
        "numprocs",
        "numprocs_start",
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
        "stdout_capture_maxbytes",
        "stdout_events_enabled",
        "stdout_syslog",
        "stderr_logfile",
        "stderr_logfile_maxbytes",
        "stderr_logfile_backups",
        "stderr_capture_maxbytes",
        "stderr_events_enabled",
        "stderr_syslog",
        "environment",
        "directory",
        "umask",
        "serverurl",
    }
)


class ProgramFileError(Exception):
    """A program file that cannot be used; the text names the file and the entry."""


@dataclass(frozen=True)
class Program:
    """One program, as far as the plugin is concerned."""

    name: str
    needs: tuple[str, ...]
    autostart: bool
    configuration: Path | None
    one_shot: bool
    essential: bool
    pebble: str | None
    secrets: tuple[str, ...]


def read_all(configuration: Path) -> dict[str, Program]:
    """Read the programs that supervisord's configuration and the files it includes declare.

    Raises ProgramFileError for a key or a need that is not known, and for needs in a circle.
    """
    main = _parse(configuration)
    programs: dict[str, Program] = {}
    files = {configuration: main}
    for pattern in main.get("include", "files", fallback="").split():
        for name in sorted(glob.glob(str(configuration.parent / pattern))):
            files[Path(name)] = _parse(Path(name))
    for path, parser in files.items():
        for section in parser.sections():
            if section.startswith("program:"):
                program = _program(path, section, parser)
                programs[program.name] = program
    _refuse_unknown_needs(programs)
    _refuse_circles(programs)
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
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ProgramFileError(f"cannot read {path}: {error}") from None
    return parser


def _program(path: Path, section: str, parser: configparser.RawConfigParser) -> Program:
    entry = parser[section]
    known = STOCK_KEYS | OWN_KEYS
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ProgramFileError(f"cannot use {path}: [{section}] has an unknown key {key}{hint}")
    file = entry.get("configuration")
    try:
        return Program(
            name=section.partition(":")[2],
            needs=tuple(entry.get("needs", "").split()),
            autostart=entry.getboolean("autostart", True),
            configuration=Path(file) if file else None,
            one_shot=entry.get("startsecs") == "0",
            essential=entry.getboolean("essential", False),
            pebble=entry.get("pebble"),
            secrets=tuple(entry.get("secrets", "").split()),
        )
    except ValueError as error:
        raise ProgramFileError(f"cannot use {path}: [{section}]: {error}") from None


def _refuse_unknown_needs(programs: Mapping[str, Program]) -> None:
    for program in programs.values():
        for need in program.needs:
            if not need.startswith("/") and need not in programs:
                raise ProgramFileError(
                    f"cannot order the programs: {program.name} needs {need}, which is not among"
                    f" {' '.join(sorted(programs))}"
                )


def _refuse_circles(programs: Mapping[str, Program]) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise ProgramFileError(f"cannot order the programs: {circle} need each other")
        if name in done or name.startswith("/"):
            return
        for need in programs[name].needs:
            visit(need, (*path, name))
        done.add(name)

    for name in programs:
        visit(name, ())
