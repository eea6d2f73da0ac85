"""The command `maas-init`."""

import argparse
import os
import sys

from maas_init import log, run
from maas_init.commands import admin, status
from maas_init.paths import Paths


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
        settings = run.load_settings()
        if arguments.command == "status":
            document = status.collect(settings, paths)
            print(status.as_json(document) if arguments.json else status.as_text(document))
            return 0 if status.healthy(document) else 1
        print(admin.run(settings, arguments.username, arguments.email, arguments.password_file))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        ended = run.reason(error, paths)
        run.say(ended)
        return ended.exit_status
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
