"""Modules of oso_dagster by all the names that they have had, for programs that run in an earlier commit as well."""

from __future__ import annotations

import importlib
from typing import Any


def module(*names: str) -> Any:
    """The first of the modules of oso_dagster that is there."""
    for name in names:
        try:
            return importlib.import_module(f"oso_dagster.{name}")
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("oso_dagster"):
                raise
    raise ModuleNotFoundError(names[0])
