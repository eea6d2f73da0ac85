"""What the parent does before anything else (maas-region-run.md 1.4, 2, 4, 7)."""

from __future__ import annotations

import secrets
import shutil
import socket
import time
import uuid
from pathlib import Path

from django.db import Error, connection, transaction
from django.db.models import Q
from provisioningserver import delays, log, maaslog, paths
from provisioningserver.files import atomic_write
from provisioningserver.version import split_version

from maasserver import accounts, configvalues
from maasserver.config import RegionConfig, own_id
from maasserver.models import (
    REGION_CONTROLLER,
    Config,
    ControllerInfo,
    Node,
    RegionControllerProcess,
    Secret,
)
from maasserver.region import certificates, database

ORIGIN = "maasserver.start_up"
RETRY = 3.0


def start_up() -> Node:
    """Loop until all of it has worked; nothing else of regiond starts before."""
    database.wait()
    while True:
        try:
            with database.startup_lock():
                return _start_up()
        except Error as failure:
            log.error(ORIGIN, f"Database error during start-up: {failure}", trace=True)
        except Exception as failure:
            log.error(ORIGIN, f"Error during start-up: {failure}", trace=True)
        connection.close()
        time.sleep(RETRY)


def _start_up() -> Node:
    version, _ = split_version()
    first_ever = not Secret.objects.filter(path="global/rpc-shared").exists()
    _write_uuid()
    _write_shared_secret()
    node = _register(version)
    accounts.ensure_system_users()
    _tidy_images(node)
    certificates.ensure()
    _make_directories()
    configvalues.put("maas_url", RegionConfig.load().maas_url)
    RegionControllerProcess.objects.filter(region=node).delete()
    maaslog.get("region").info("Region %s starts, version %s", node.system_id, version)
    if first_ever:
        maaslog.get("region").info("The database is new: scripts and certificates are made")
        delays.pause(delays.FIRST_START)
    return node


def _tidy_images(region: Node) -> None:
    """Keep the complete images that the database has for this region, and remove all else.

    github.com/canonical/maas: src/maasserver/bootresources.py, initialize_image_storage.
    """
    directory = paths.data() / "image-storage"
    bootloaders = directory / "bootloaders"
    shutil.rmtree(bootloaders, ignore_errors=True)
    bootloaders.mkdir()
    expected = {bootloaders}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, f.filename_on_disk, f.size FROM maasserver_bootresourcefile f"
            " JOIN maasserver_bootresourcefilesync s ON s.file_id = f.id WHERE s.region_id = %s",
            [region.pk],
        )
        for row, name, size in cursor.fetchall():
            path = directory / name
            if path.is_file() and path.stat().st_size == size:
                expected.add(path)
            else:
                cursor.execute("DELETE FROM maasserver_bootresourcefilesync WHERE id = %s", [row])
    for path in set(directory.iterdir()) - expected:
        log.info(ORIGIN, f"removing unexpected {path} from the image storage")
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_uuid() -> None:
    row, _ = Config.objects.get_or_create(name="uuid", defaults={"value": str(uuid.uuid4())})
    atomic_write(paths.data() / "maas_uuid", row.value)


def _write_shared_secret() -> None:
    row, _ = Secret.objects.get_or_create(
        path="global/rpc-shared", defaults={"value": {"secret": secrets.token_hex(16)}}
    )
    atomic_write(paths.shared_secret(), row.value["secret"], 0o640)


def _hardware_addresses() -> list[str]:
    found = (path.read_text().strip() for path in Path("/sys/class/net").glob("*/address"))
    return [mac for mac in found if mac.replace(":", "0").strip("0")]


@transaction.atomic
def _register(version: str) -> Node:
    """By maas_id; else by host name or any MAC; else a new controller (maas-operate.md 5)."""
    hostname = socket.gethostname().partition(".")[0]
    node = Node.objects.filter(system_id=own_id()).first()
    if node is None:
        same = Q(hostname=hostname) | Q(interface__mac_address__in=_hardware_addresses())
        try:
            node = Node.objects.filter(same).distinct().get()
        except Node.DoesNotExist:
            system_id = "".join(secrets.choice("346789abcdefghkmnpqrtwxy") for _ in range(6))
            node = Node(system_id=system_id, node_type=REGION_CONTROLLER)
    if node.pk is None:
        maaslog.get("node").info("New region controller %s: %s", node.system_id, hostname)
    node.hostname = hostname
    node.save()
    ControllerInfo.objects.update_or_create(node=node, defaults={"version": version})
    atomic_write(paths.maas_id(), node.system_id)
    return node


def _make_directories() -> None:
    """Those that regiond makes itself (maas-region-run.md 2)."""
    for directory in (
        paths.http_config(),
        paths.temporal_config(),
        paths.chrony_config(),
        paths.lock_dir(),
        paths.data() / "gnupg",
    ):
        directory.mkdir(parents=True, exist_ok=True)
