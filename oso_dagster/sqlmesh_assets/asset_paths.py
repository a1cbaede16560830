"""The parts of the Dagster key of a model or table. No Dagster is imported here."""

from __future__ import annotations

import hashlib
import re


def asset_path(table: str) -> list[str]:
    """`schema`, `table`: without the catalogue, which for DuckDB is the name of a file.

    Dagster takes fewer letters than databases do: a name with others has `_` in their place and ends in a hash.
    """
    return [_part(name) for name in table.split(".")]


def _part(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
