"""Step: the main files of the services, which include or filter what regiond writes.

They are in /run, made anew at each start: nothing of an earlier image stays behind in the volume.
"""

import os
import shutil
from pathlib import Path

import jinja2

from maas_init import atomic_file, maas_command
from maas_init.errors import InitError
from maas_init.paths import Paths
from settings import Settings

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
PACKAGED_DRIVERS = Path("/usr/share/maas/drivers.yaml")
DNS_TIMEOUT_SECONDS = 60.0
# provisioningserver's command of that name is root's only because of the script around it
# (facts/maas-region-run.md 3).
SETUP_DNS = (
    "import sys; sys.argv = ['maas-common', 'setup-dns', '--no-clobber'];"
    " from provisioningserver.__main__ import main; main()"
)


def write(paths: Paths, settings: Settings) -> None:
    """Render the main files."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("maas_init"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    for name in templates.list_templates():
        text = templates.get_template(name).render(
            paths=paths,
            settings=settings,
            stream_module=STREAM_MODULE if STREAM_MODULE.exists() else None,
            log_proxy=os.access(paths.log / "proxy", os.W_OK),
        )
        atomic_file.write(paths.run / name.removesuffix(".j2"), text)


def make_dns_files(paths: Paths) -> bool:
    """Let MAAS make named's first files and keys where they are missing; say whether they were.

    Raises InitError.
    """
    if (paths.dns / "named.conf.maas").exists() and (paths.dns / "rndc.conf.maas").exists():
        return False
    try:
        maas_command.run([maas_command.PYTHON, "-c", SETUP_DNS], timeout=DNS_TIMEOUT_SECONDS)
    except maas_command.CommandFailed as error:
        raise InitError(f"cannot make named's keys: {error}") from None
    return True


def provide_drivers(paths: Paths) -> str | None:
    """Put MAAS's list of drivers where a volume at /etc/maas hides it; return why it cannot be."""
    try:
        if not paths.drivers.exists():
            atomic_file.write(paths.drivers, PACKAGED_DRIVERS.read_text(encoding="utf-8"))
    except OSError as error:
        return (
            f"cannot write {paths.drivers} ({error.strerror}), without which MAAS installs no"
            f" third-party drivers. On the host: docker compose cp maas:{PACKAGED_DRIVERS} <the"
            f" directory that is mounted at {paths.drivers.parent}>"
        )
    return None


def remove_stale_files(paths: Paths) -> None:
    """Remove what an earlier life of the container left.

    A lock of MAAS's is a link to a process id, and ids repeat in containers: a stale one stops
    MAAS's network monitoring silently, for ever (facts/maas-region-run.md 6). Pid files mislead
    likewise, and metrics of processes that are gone would go on being counted. Temporal's files
    have that life's address and password, and regiond may ask for Temporal before it writes them.
    """
    shutil.rmtree(paths.data / "run" / "lock", ignore_errors=True)
    for name in ("production.yaml", "production-dynamic.yaml"):
        (paths.temporal / name).unlink(missing_ok=True)
    for stale in (*paths.run.glob("*.pid"), *paths.metrics.glob("*.db")):
        if stale.name != "supervisord.pid":
            stale.unlink(missing_ok=True)
