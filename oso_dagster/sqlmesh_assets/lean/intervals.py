"""Records an interval in SQLMesh's state by one INSERT: its way by a data frame takes ten times as long. Imports SQLMesh."""

from __future__ import annotations

import copy
import math
from typing import Any

from sqlglot import exp

MOST_ROWS = 100
"""A computed model records a row or two; the janitor, which compacts the state, thousands."""
_ENGINES = frozenset({"duckdb", "postgres"})


def with_plain_inserts(adapter: Any) -> Any:
    """The adapter of the state, on the same connection, which inserts few rows of a data frame as literals."""
    if adapter.dialect not in _ENGINES:
        return adapter
    plain = copy.copy(adapter)

    def insert_append(table: exp.Table, frame: Any, target_columns_to_types: Any = None, **options: Any) -> None:
        if len(frame) > MOST_ROWS:
            adapter.insert_append(table, frame, target_columns_to_types=target_columns_to_types, **options)
            return
        rows = [tuple(map(_literal, row.values())) for row in frame.to_dict("records")]
        adapter.execute(exp.insert(exp.values(rows), table, columns=[exp.to_identifier(name) for name in frame.columns]))

    plain.insert_append = insert_append
    return plain


def _literal(value: Any) -> Any:
    """The value of a cell: pandas writes whole numbers as floats, and nothing as NaN, where some rows of a column have none."""
    if isinstance(value, float):
        return None if math.isnan(value) else int(value)
    return value
