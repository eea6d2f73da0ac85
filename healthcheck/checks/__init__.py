"""The checks: each module here declares one as `CHECK`."""

import importlib
import pkgutil

from healthcheck.check import Check


def all_checks() -> list[Check]:
    """Return every check, in the order of their names."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in _modules())
    return [module.CHECK for module in modules]


def _modules() -> list[pkgutil.ModuleInfo]:
    return sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
