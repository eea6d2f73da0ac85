"""Every setting of the container, declared once."""

from settings.declaration import Settings, secret_names
from settings.load import SettingsError, load

__all__ = ["Settings", "SettingsError", "load", "secret_names"]
