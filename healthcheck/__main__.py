"""The command `healthcheck` where it is more than the probe: `serve` and `--direct`."""

import argparse
import asyncio
import os
import signal
import sys
from typing import NoReturn

import settings

UNHEALTHY = 1
CONFIGURATION = 78


class _Parser(argparse.ArgumentParser):
    """One whose errors end in 1: Docker reserves every other status of a probe."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNHEALTHY, f"{self.format_usage()}healthcheck: {message}\n")


def main() -> int:
    """Carry out one command; return the exit status."""
    parser = _Parser(
        prog="healthcheck",
        description="Says whether this MAAS is healthy (exit status 0) or not (1).",
        epilog="Without arguments: one line of what the monitor knows.",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--verbose", action="store_true", help="a table of all checks")
    form.add_argument("--json", action="store_true", help="all that is known, for scripts")
    parser.add_argument(
        "--direct", action="store_true", help="run the checks here and now, without the monitor"
    )
    parser.add_argument("command", nargs="?", choices=["serve"], help="run the resident monitor")
    arguments = parser.parse_args()
    # MAAS's processes share their metrics through files in this directory; prometheus_client would
    # put ours among them as soon as it is imported.
    os.environ.pop("prometheus_multiproc_dir", None)
    if arguments.command == "serve":
        return _serve()
    if arguments.direct:
        return _run_directly(arguments.verbose, arguments.json)
    parser.error("only --direct and serve are done here, the rest by the monitor: one option")


def _serve() -> int:
    try:
        configured = settings.load(os.environ)
    except settings.SettingsError:
        # init, which starts at the same time, reports every setting and ends the container.
        # Ending here too would only have PID 1 start it again and again until then.
        signal.pause()
        return CONFIGURATION
    from healthcheck.serve import CannotListen, serve

    try:
        asyncio.run(serve(configured))
    except CannotListen as error:
        print(f"healthcheck: {error}", flush=True)
        return CONFIGURATION
    return 0


def _run_directly(verbose: bool, as_json: bool) -> int:
    try:
        configured = settings.load(os.environ)
    except settings.SettingsError as error:
        print(f"unhealthy: settings: {error}")
        return UNHEALTHY
    from healthcheck import views
    from healthcheck.check import Target
    from healthcheck.checks import all_checks
    from healthcheck.monitor import Monitor

    async def run() -> int:
        target = Target.from_environment(configured, os.environ)
        monitor = Monitor(all_checks(), target)
        await monitor.run_once()
        verdict = monitor.verdict()
        if as_json:
            text = views.document(monitor, verdict, target)
        else:
            text = (views.table if verbose else views.line)(monitor, verdict)
        sys.stdout.write(text)
        return 0 if verdict.good else UNHEALTHY

    return asyncio.run(run())


if __name__ == "__main__":
    status = main()
    try:
        sys.stdout.flush()
    except OSError:  # a pipe that nobody reads: the interpreter would end with 120
        os._exit(UNHEALTHY)
    sys.exit(status)
