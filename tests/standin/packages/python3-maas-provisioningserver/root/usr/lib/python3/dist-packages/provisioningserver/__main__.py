"""`maas-common` without its check for root (maas-region-run.md 3)."""

from __future__ import annotations

import argparse

from provisioningserver.dns import setup_dns


def main() -> None:
    """Only `setup-dns [--no-clobber]` exists in the stand-in."""
    parser = argparse.ArgumentParser(prog="maas-common")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup-dns", help="write the first configuration for BIND")
    setup.add_argument(
        "--no-clobber", action="store_true", help="leave a configuration that exists alone"
    )
    arguments = parser.parse_args()
    setup_dns(clobber=not arguments.no_clobber)


if __name__ == "__main__":
    main()
