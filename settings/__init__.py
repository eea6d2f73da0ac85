"""Every setting of the container, declared once."""

from settings.declaration import Settings, secret_names, secret_variables
from settings.load import SettingsError, load, read
from settings.region import RegionSetting
from settings.secret_file import LONGEST_SECRET, read_secret
from settings.unknown import warnings

__all__ = [
    "LONGEST_SECRET",
    "RegionSetting",
    "Settings",
    "SettingsError",
    "load",
    "read",
    "read_secret",
    "secret_names",
    "secret_variables",
    "warnings",
]
