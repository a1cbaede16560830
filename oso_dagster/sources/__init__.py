"""The catalogue: one file per source, found by scanning this folder. Adding a source adds one file and edits nothing.

A module belongs to the catalogue when it has a value `SOURCE`; its name is the source's name. A module without one, or with
another name, is an error, never a source that silently vanishes.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from oso_dagster.domain.catalogue.source import Source


@cache
def catalogue() -> tuple[Source, ...]:
    """All sources, sorted by name. Raises whatever a source file raises: a broken source must not disappear."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(_read(name) for name in names)


def _read(name: str) -> Source:
    module = importlib.import_module(f"{__name__}.{name}")
    source = getattr(module, "SOURCE", None)
    if not isinstance(source, Source):
        raise TypeError(f"{name}.py: a value `SOURCE` of type Source is missing")
    if source.name != name:
        raise ValueError(f"{name}.py: SOURCE.name is {source.name!r}; the file's name must be the source's name")
    return source
