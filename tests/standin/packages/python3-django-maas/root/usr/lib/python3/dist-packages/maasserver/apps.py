"""The application's start: as slow as importing MAAS (maas-region-run.md 3)."""

from django.apps import AppConfig
from provisioningserver import delays


class MAASConfig(AppConfig):
    """Every process that sets Django up pays here, as it does in MAAS."""

    name = "maasserver"

    def ready(self) -> None:
        delays.pause(delays.IMPORT)
