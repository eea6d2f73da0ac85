"""Measures PID 1 beside stock supervisord and s6, maas-init, the health check, a start."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import measure, monitor, plot, report, soak, startup, startup_report, warm_init
from bench.supervisors import MeasurementError, descendants, kill

_PARTS = ("compare", "idle", "scaling", "flood", "warm-init", "monitor", "startup")
_SOAK = "soak"


def main() -> int:
    """Measure and print; return 0 unless a measurement itself has failed."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=(*_PARTS, _SOAK), default=_PARTS, help="only these"
    )
    parser.add_argument("--minutes", type=int, default=30, metavar="N", help="of the soak (30)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where the soak's is written")
    parser.add_argument("--repeat", type=int, default=7, metavar="N", help="repetitions (7)")
    arguments = parser.parse_args()
    if arguments.repeat < 1:
        parser.error("--repeat must be at least 1")
    if arguments.minutes < 2:
        parser.error("--minutes must be at least 2")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            try:
                _run(Path(directory), arguments)
            finally:
                kill(*descendants(os.getpid()))  # one whose start was interrupted
    except MeasurementError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _run(directory: Path, arguments: argparse.Namespace) -> None:
    parts, repeat = arguments.only, arguments.repeat
    source = Path(__file__).with_name("child.c")
    subprocess.run(["cc", "-O2", "-Wall", "-o", directory / "child", source], check=True)
    print(report.machine(), flush=True)
    samples: measure.Samples = {}
    if "compare" in parts:
        samples |= measure.compare(directory, repeat)
    if "idle" in parts:
        samples |= measure.idle(directory)
    if samples:
        print(f"\n{report.comparison(samples)}", flush=True)
    if "scaling" in parts:
        print(f"\n{report.scaling(measure.scaling(directory, repeat))}", flush=True)
    if "flood" in parts:
        print(f"\n{report.flood(measure.flood(directory))}", flush=True)
    if "warm-init" in parts:
        print(f"\n{report.warm_init(*warm_init.measure(2 * repeat + 1))}", flush=True)
    if "monitor" in parts:
        print(f"\n{report.monitor(monitor.measure(30))}", flush=True)
    if "startup" in parts:
        print(f"\n{startup_report.tables(startup.measure(repeat))}", flush=True)
    if _SOAK in parts:
        soaked = soak.measure(arguments.minutes)
        print(f"\n{report.soak(soaked)}", flush=True)
        if arguments.plot:
            plot.soak(soaked, arguments.plot)


if __name__ == "__main__":
    sys.exit(main())
