"""Entry point of the container: `python -I -m supervisord [CONFIGURATION]`.

Stock supervisord always ends with status 0; this one ends with the status that the plugin found
(facts/supervisors.md B, "non-zero status").
"""

import os
import signal

# The kernel drops signals for which PID 1 has no handler, and what follows takes a moment: until
# supervisord has its own, there is nothing to stop.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from supervisor import supervisord as stock  # noqa: E402

import settings  # noqa: E402
from supervisord import exit_status, program_file, secrets  # noqa: E402

CONFIGURATION = Path(__file__).with_name("supervisord.conf")


def main() -> int:
    """Run supervisord until it has stopped everything; return the container's exit status."""
    # supervisord applies `umask=` only when it daemonizes. No other UID has business in our files.
    os.umask(0o027)
    configuration = Path(sys.argv[1]) if len(sys.argv) > 1 else CONFIGURATION
    try:
        program_file.read_all(configuration)
        run_directory = program_file.run_directory(configuration)
        run_directory.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=run_directory):
            pass
    except program_file.ProgramFileError as error:
        return _refuse(exit_status.CONFIGURATION, str(error))
    except OSError as error:
        uid, gid = os.getuid(), os.getgid()
        return _refuse(
            exit_status.CANNOT_WRITE,
            f"cannot write {run_directory}: {error.strerror}. Mount a tmpfs at"
            f" {run_directory.parent} that UID {uid} may write: --tmpfs"
            f" {run_directory.parent}:uid={uid},gid={gid},mode=0755",
        )
    if sys.stdout.isatty():
        os.environ.setdefault("FORCE_COLOR", "1")  # what children write to is a pipe
    secrets.take(os.environ, settings.secret_names())
    tempfile.tempdir = str(run_directory)  # supervisord wants one even where it uses none
    try:
        stock.main(["--nodaemon", "--configuration", str(configuration)])
    except SystemExit as exit:
        # its own way to refuse a configuration; it has said why
        return exit_status.CONFIGURATION if exit.code == 2 else exit_status.GIVEN_UP
    return exit_status.chosen()


def _refuse(status: int, message: str) -> int:
    print(f"ERROR {message}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
