"""The command `maas-init`."""

import argparse
import sys

from maas_init import log, run


def main() -> int:
    """Carry out one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="maas-init", description="Prepares MAAS for its start.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="check settings and volumes, migrate, create the administrator")
    parser.parse_args()
    log.set_up()
    return run.run()


if __name__ == "__main__":
    sys.exit(main())
