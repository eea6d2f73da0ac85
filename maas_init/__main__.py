"""The command `maas-init`."""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from maas_init import log, run
from maas_init.commands import admin, backup, restore, status
from maas_init.paths import Paths
from settings import Settings


def main() -> int:
    """Carry out one command; return the exit status."""
    arguments = _parser().parse_args()
    log.set_up()
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # libpq would obey it: the settings alone say which database it is
    if arguments.command == "run":
        return run.run()
    paths = Paths.from_environment(os.environ)
    try:
        return _carry_out(arguments, run.load_settings(), paths)
    except KeyboardInterrupt:
        log.interrupted()
        return 130
    except Exception as error:
        ended = run.reason(error, paths)
        run.say(ended)
        return ended.exit_status


def _carry_out(arguments: argparse.Namespace, settings: Settings, paths: Paths) -> int:
    if arguments.command == "status":
        document = status.collect(settings, paths)
        print(status.as_json(document) if arguments.json else status.as_text(document))
        return 0 if status.healthy(document) else 1
    if arguments.command == "apply":
        from maas_init.commands import apply  # its HTTP client is slow to import, for each start

        apply.run(settings, paths)
        return 0
    if arguments.command == "backup":
        directory = Path(arguments.directory or paths.backups).absolute()
        print(backup.run(settings, paths, directory, images=not arguments.without_images))
        return 0
    if arguments.command == "restore":
        print(restore.run(settings, paths, Path(arguments.file)))
        return 0
    print(admin.run(settings, arguments.username, arguments.email, arguments.password_file))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maas-init", description="Prepares MAAS for its start, and tells how that went."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "run",
        help="check settings and volumes, migrate, create the administrator: what each start does",
    )
    state = commands.add_parser(
        "status",
        help="show database, migrations, last run and backups",
        description="Shows how things stand and changes nothing. The exit status is 0 where the"
        " database can be reached and is current, else 1.",
    )
    state.add_argument("--json", action="store_true", help="for programs")
    add = commands.add_parser(
        "admin",
        help="set the password of an administrator, or add one",
        description="Sets the password of the administrator USERNAME, or adds that administrator."
        " The password is asked for on a terminal, else it is the first line of standard input.",
    )
    add.add_argument("username", metavar="USERNAME")
    add.add_argument("--email", help="of a new administrator (default: USERNAME@localhost)")
    add.add_argument("--password-file", metavar="FILE", help="read the password from FILE")
    commands.add_parser(
        "apply",
        help="bring MAAS's own settings to what MAAS_SETTING_<name> declares",
        description="Reads each declared setting of MAAS by its API, sets what differs, and says"
        " what became of each. Waits until the API answers. The exit status is 0, or 78 where MAAS"
        " has refused one.",
    )
    save = commands.add_parser(
        "backup",
        help="back up database and files into one archive, while MAAS runs",
        description="Writes database, identity, secret, images, preseeds and drivers into one"
        " archive, prints its path, and removes all but the newest MAAS_BACKUPS_KEPT. It holds"
        " MAAS's secrets: keep it as safe as the database. Its password is not in it.",
    )
    save.add_argument(
        "directory", metavar="DIR", nargs="?", help="where to (default: /var/lib/maas/backups)"
    )
    save.add_argument(
        "--without-images",
        action="store_true",
        help="leave all images out: MAAS imports them again, but for those that were uploaded",
    )
    back = commands.add_parser(
        "restore",
        help="bring a backup back, while MAAS is stopped",
        description="Replaces database and files by those of the archive: docker compose stop maas,"
        " then docker compose run --rm maas maas-init restore FILE. The archive is checked before"
        " anything is touched, and what is replaced is backed up first. Interrupted, it is finished"
        " by the same command.",
    )
    back.add_argument("file", metavar="FILE", help="the archive, as the container sees it")
    return parser


if __name__ == "__main__":
    exit_status = main()
    with contextlib.suppress(OSError):  # a pipe that nobody reads
        sys.stdout.flush()
    # All is closed by now. To take the interpreter apart as well would hold MAAS up for 0.1 s.
    os._exit(exit_status)
