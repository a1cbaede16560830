"""One file an upstream: what it serves of the world, at which addresses, and what a complete load of it holds.

Found by scanning this folder: a module has a value `FAMILY`; one without it is an error, never an upstream that silently is not
there. A new upstream is one new file; the parts of a large one lie in a folder whose name begins with an underscore.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from oso_dagster.sandbox.protocols.family import Family


@cache
def families() -> tuple[Family, ...]:
    """All families, sorted by the name of their module. Raises whatever a module raises."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(_read(name) for name in names)


def _read(name: str) -> Family:
    family = getattr(importlib.import_module(f"{__name__}.{name}"), "FAMILY", None)
    if not isinstance(family, Family):
        raise TypeError(f"{name}.py: a value `FAMILY` of type Family is missing")
    return family
