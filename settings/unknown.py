"""Finds names in the environment that look like a setting and are none, such as misspelt ones."""

import difflib
from collections.abc import Mapping

from settings.compose import COMPOSE_VARIABLES
from settings.declaration import declarations, secret_names
from settings.region import PREFIX as REGION_SETTING

# What MAAS itself reads (facts/maas-region-run.md 1, facts/maas-versions.md 1.4). The image sets
# most of them; a test compares.
MAAS_VARIABLES = frozenset(
    {
        "MAAS_AGENT_CONFIG",
        "MAAS_APISERVER_HTTP_SOCKET_PATH",
        "MAAS_BIND_CONFIG_DIR",
        "MAAS_CACHE",
        "MAAS_CLUSTER_CONFIG",
        "MAAS_DATA",
        "MAAS_DNS_CONFIG_DIR",
        "MAAS_DNS_DEFAULT_CONTROLS",
        "MAAS_DNS_RNDC_PORT",
        "MAAS_HTTP_CONFIG_DIR",
        "MAAS_HTTP_SOCKET_WORKER_BASE_PATH",
        "MAAS_IMAGES_KEYRING_FILEPATH",
        "MAAS_INTERNALAPISERVER_HTTP_SOCKET_PATH",
        "MAAS_IPC_SOCKET_PATH",
        "MAAS_PATH",
        "MAAS_PROXY_CONFIG_DIR",
        "MAAS_REGIOND_WORKER_COUNT",
        "MAAS_REGION_CONFIG",
        "MAAS_ROOT",
        "MAAS_SYSLOG_CONFIG_DIR",
        "MAAS_SYSLOG_LOG_DIR",
        "MAAS_TEMPORAL_CONFIG_DIR",
        "MAAS_THIRD_PARTY_DRIVER_SETTINGS",
        "MAAS_ZONE_FILE_CONFIG_DIR",
    }
)
_PREFIXES = ("MAAS_", "POSTGRES_")


def warnings(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each unknown MAAS_… or POSTGRES_… name that has a value.

    What only compose.yaml reads is known: an env_file brings it into the container.
    """
    settings = [d.name for d in declarations()]
    settings += (f"{name}_FILE" for name in secret_names())
    known = {*settings, *MAAS_VARIABLES, *(name for name, _, _ in COMPOSE_VARIABLES)}
    found = []
    for name in sorted(environ):
        if not name.startswith(_PREFIXES) or name in known or not environ[name]:
            continue
        if name.startswith(REGION_SETTING):  # MAAS says which it knows
            continue
        near = difflib.get_close_matches(name, settings, n=1)
        hint = f"did you mean {near[0]}?" if near else "the settings are in docs/configuration.md"
        found.append(f"{name} is no setting and has no effect: {hint}")
    return found
