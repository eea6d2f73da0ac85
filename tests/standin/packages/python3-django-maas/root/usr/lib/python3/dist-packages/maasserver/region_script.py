"""`maas-region`: Django's commands, for root only (maas-region-run.md 3)."""

from __future__ import annotations

import grp
import os
import sys


def main() -> None:
    """Refuse other users; become group maas; `local-config-set` is `local_config_set`."""
    if os.getuid() != 0:
        sys.exit("This utility may only be run as root.")
    os.setegid(grp.getgrnam("maas").gr_gid)
    os.umask(0o007)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maasserver.djangosettings.settings")
    from django.core.management import execute_from_command_line

    arguments = list(sys.argv)
    if len(arguments) > 1 and not arguments[1].startswith("-"):
        arguments[1] = arguments[1].replace("-", "_")
    execute_from_command_line(arguments)
