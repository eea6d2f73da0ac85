"""The few tables that the stand-in uses; migrations make them, Django only reads and writes."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models

REGION_CONTROLLER = 3


class Unmanaged(models.Model):
    """A table of a migration's SQL."""

    class Meta:
        abstract = True
        managed = False


class Config(Unmanaged):
    """Settings, as JSON (maas-operate.md 1)."""

    name = models.CharField(max_length=255, unique=True)
    value = models.JSONField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_config"


class Secret(Unmanaged):
    """Secrets by path (maas-versions.md 4)."""

    path = models.TextField(primary_key=True)
    value = models.JSONField()

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_secret"


class UserProfile(Unmanaged):
    """The per-user part of the introduction (maas-operate.md 1.5)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    completed_intro = models.BooleanField(default=False)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_userprofile"


class SSHKey(Unmanaged):
    """A user's public key, and where it was imported from, as `lp:NAME` or `gh:NAME`.

    The database fills in the column `created`.
    """

    key = models.TextField()
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    keysource = models.TextField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_sshkey"


class Node(Unmanaged):
    """Controllers; `system_id` is what the file maas_id holds."""

    system_id = models.CharField(max_length=41, unique=True)
    hostname = models.CharField(max_length=255, unique=True)
    node_type = models.IntegerField(default=REGION_CONTROLLER)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_node"


class ControllerInfo(Unmanaged):
    """The version that each controller runs."""

    node = models.OneToOneField(Node, on_delete=models.CASCADE, primary_key=True)
    version = models.CharField(max_length=255, null=True)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_controllerinfo"


class Service(Unmanaged):
    """What the service monitor last saw."""

    name = models.CharField(max_length=255)
    status = models.CharField(max_length=10, default="unknown")
    status_info = models.CharField(max_length=255, default="")
    node = models.ForeignKey(Node, on_delete=models.CASCADE)

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_service"


class Interface(Unmanaged):
    """An address of a controller; one flat table where MAAS has several."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    mac_address = models.TextField()
    ip = models.GenericIPAddressField()
    cidr = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_interface"


class RegionControllerProcess(Unmanaged):
    """A running worker."""

    region = models.ForeignKey(Node, on_delete=models.CASCADE)
    pid = models.IntegerField()
    updated = models.DateTimeField()

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_regioncontrollerprocess"


class RegionControllerProcessEndpoint(Unmanaged):
    """Where a worker's RPC port can be reached (maas-versions.md 0.8)."""

    process = models.ForeignKey(RegionControllerProcess, on_delete=models.CASCADE)
    address = models.GenericIPAddressField()
    port = models.IntegerField()

    class Meta(Unmanaged.Meta):
        db_table = "maasserver_regioncontrollerprocessendpoint"
