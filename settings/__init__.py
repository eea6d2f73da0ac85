"""Every setting of the container, declared once."""

from settings.declaration import Settings, secret_names
from settings.load import SettingsError, load, read
from settings.unknown import warnings

__all__ = ["Settings", "SettingsError", "load", "read", "secret_names", "warnings"]
