"""Old names of modules and functions that moved: for one release, with a DeprecationWarning."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = __name__.rpartition(".")[0]
MODULES = {
    "container": "bitstream.header",
    "converter": "quantizer.mapping",
    "executables": "cli.challenge",
    "files": "system.files",
    "index": "bitstream.index",
    "numcodecs": "plugins.numcodecs",
    "sources": "system.source",
    "uneven": "quantizer.estimate",
    "wav": "readers.wav",
    "zarr": "plugins.zarr",
}


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{PACKAGE}.{old} is now {PACKAGE}.{new}", DeprecationWarning, stacklevel=3)


class Finder:
    """Finds modules by their old names; what is imported is the module of the new name itself."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        package, _, old = name.partition(".")
        if package != PACKAGE or old not in MODULES:
            return None
        _warn(old, MODULES[old])
        return ModuleSpec(name, Loader())  # type: ignore[arg-type]


class Loader:
    """Puts the module of the new name in the place of the old one."""

    def create_module(self, spec: ModuleSpec) -> None:
        """See `importlib.abc.Loader.create_module`."""

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader.exec_module`."""
        new = MODULES[module.__name__.partition(".")[2]]
        sys.modules[module.__name__] = importlib.import_module(f"{PACKAGE}.{new}")


def moved(module: str, names: dict[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for a module whose functions have moved.

    Parameters
    ----------
    module : its name, as in `codec`
    names : of the functions, and of the modules that they are in now
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {PACKAGE}.{module} has no attribute {name!r}")
        _warn(f"{module}.{name}", f"{names[name]}.{name}")
        return getattr(importlib.import_module(f"{PACKAGE}.{names[name]}"), name)

    return get
