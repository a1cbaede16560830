"""The catalogue: one file per source, found by scanning this folder. Adding a source adds one file and edits nothing.

A module belongs to the catalogue when it has a value `SOURCE`; its name is the source's name. A module without one, or with
another name, is an error, never a source that silently vanishes.
"""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from functools import cache
from pathlib import Path

from oso_dagster.domain.catalogue.source import Source


class SourceFileError(Exception):
    """A file of the catalogue cannot be used; the message names it, the line and the reason."""


@cache
def catalogue() -> tuple[Source, ...]:
    """All sources, sorted by name. Raises SourceFileError: a broken source must not disappear."""
    return tuple(_read(name) for name in source_names())


def source_names() -> list[str]:
    """What the files of the catalogue are called, sorted; none of them is read."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def _read(name: str) -> Source:
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except Exception as error:
        raise SourceFileError(f"{name}.py{_line(error, name)}: {type(error).__name__}: {error}") from error
    source = getattr(module, "SOURCE", None)
    if not isinstance(source, Source):
        raise SourceFileError(f"{name}.py: a value `SOURCE` of type Source is missing")
    if source.name != name:
        raise SourceFileError(f"{name}.py: SOURCE.name is {source.name!r}; the file's name must be the source's name")
    return source


def _line(error: Exception, name: str) -> str:
    """Where in the file of a source it failed."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return next((f", line {frame.lineno}" for frame in reversed(frames) if Path(frame.filename).stem == name), "")
