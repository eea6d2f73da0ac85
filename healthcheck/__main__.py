"""The command `healthcheck` where it is more than the probe: `healthcheck serve`."""

import argparse
import asyncio
import os
import signal
import sys

import settings

CONFIGURATION = 78


def main() -> int:
    """Carry out one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="healthcheck",
        description="Says whether this MAAS is healthy (exit status 0) or not (1).",
        epilog="Without arguments: one line. --verbose: a table of all checks.",
    )
    parser.add_argument("command", choices=["serve"], help="run the resident monitor")
    parser.parse_args()
    try:
        configured = settings.load(os.environ)
    except settings.SettingsError:
        # init, which starts at the same time, reports every setting and ends the container.
        # Ending here too would only have PID 1 start it again and again until then.
        signal.pause()
        return CONFIGURATION
    # MAAS's processes share their metrics through files in this directory; prometheus_client would
    # put ours among them as soon as it is imported.
    os.environ.pop("prometheus_multiproc_dir", None)
    from healthcheck.serve import CannotListen, serve

    try:
        asyncio.run(serve(configured))
    except CannotListen as error:
        print(f"healthcheck: {error}", flush=True)
        return CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
