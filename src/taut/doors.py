"""Doors of packages: public names that are imported from their homes when they are first asked for (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any


def open_door(package: str, homes: Mapping[str, str]) -> None:
    """Give ``package`` the names of ``homes``, each imported when it is first asked for and then kept.

    A module is named relative to the package, or in full where it belongs to another one; its names are one string, with
    blanks between them. A name without a home raises AttributeError, as an absent attribute does. The package states the
    same imports under ``TYPE_CHECKING`` for those who read its types; ``__getattr__`` is set here and not there, so that
    they also see which names are absent.
    """
    modules = {name: module for module, names in homes.items() for name in names.split()}
    door = sys.modules[package]

    def attribute(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = modules[name]
        home = module if module.startswith("taut.") else f"{package}.{module}"
        value = getattr(importlib.import_module(home), name)
        setattr(door, name, value)
        return value

    vars(door).update(__getattr__=attribute, __dir__=lambda: sorted(modules), __all__=sorted(modules))
