"""Entry point of the container: `python -I -m supervisord [CONFIGURATION]`.

Stock supervisord always ends with status 0; this one ends with the status that the plugin found
(facts/supervisors.md B, "non-zero status").
"""

import os
import signal

# The kernel drops signals for which PID 1 has no handler, and what follows takes a moment: until
# supervisord has its own, there is nothing to stop. The image has them blocked until here.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: os._exit(0))
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))

import sys  # noqa: E402
import tempfile  # noqa: E402
import traceback  # noqa: E402
from pathlib import Path  # noqa: E402

from supervisor import supervisord as stock  # noqa: E402

import settings  # noqa: E402
from supervisord import exit_status, fork, plugin, program_file, secrets  # noqa: E402
from supervisord.log.container_log import ContainerLog  # noqa: E402

CONFIGURATION = Path(__file__).with_name("supervisord.conf")


def main() -> int:
    """Run supervisord until it has stopped everything; return the container's exit status."""
    output = sys.stdout.fileno() if sys.stdout else os.open(os.devnull, os.O_WRONLY)
    log = ContainerLog(output, json=_wants_json())
    plugin.log_to(log)
    try:
        status = _run(log)
    except Exception:  # of supervisord's own; what runs is ended by the kernel
        log.say("ERROR", f"cannot go on:\n{traceback.format_exc()}")
        status = exit_status.GIVEN_UP
    log.finish()
    return status


def _run(log: ContainerLog) -> int:
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
        log.say("ERROR", str(error))
        return exit_status.CONFIGURATION
    except OSError as error:
        uid, gid = os.getuid(), os.getgid()
        log.say(
            "ERROR",
            f"cannot write {run_directory}: {error.strerror}. Mount a tmpfs at"
            f" {run_directory.parent} that UID {uid} may write: --tmpfs"
            f" {run_directory.parent}:uid={uid},gid={gid},mode=0755",
        )
        return exit_status.CANNOT_WRITE
    if log.coloured:
        os.environ.setdefault("FORCE_COLOR", "1")  # what children write to is a pipe
    secrets.take(os.environ, settings.secret_variables(os.environ))
    fork.protect_children()
    tempfile.tempdir = str(run_directory)  # supervisord wants one even where it uses none
    try:
        stock.main(["--nodaemon", "--configuration", str(configuration)])
    except SystemExit as exit:
        # its own way to refuse a configuration; it has said why
        return exit_status.CONFIGURATION if exit.code == 2 else exit_status.GIVEN_UP
    log.info(f"everything has stopped, exit status {exit_status.chosen()}")
    return exit_status.chosen()


def _wants_json() -> bool:
    """Read MAAS_LOG_FORMAT; a value that it cannot have is init's to report."""
    try:
        return bool(settings.read("MAAS_LOG_FORMAT", os.environ) == "json")
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
