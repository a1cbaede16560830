"""What staged rows are made of: rows by category, and totals, of the columns that a table declares to be judged."""

from __future__ import annotations

from typing import Any

import duckdb

from oso_dagster.domain.catalogue.source import Table
from oso_dagster.domain.judging.usual import MIX, SUMS
from oso_dagster.warehouse.ddl import columns_of, quoted
from oso_dagster.warehouse.staging import SCHEMA

_MOST_CATEGORIES = 200
"""The largest categories are remembered; the rest is too small to be judged."""


def mix_of(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, Any]:
    """The mix and the sums of the parent table's staged rows, as facts; nothing where none are declared or no rows came."""
    there = columns_of(connection, SCHEMA, [table.name]).get(table.name, {})
    staged = f"{SCHEMA}.{quoted(table.name)}"
    mix: dict[str, dict[str, int]] = {}
    for column in table.mix_by:
        if column in there:
            counted = (
                f"SELECT coalesce(CAST({quoted(column)} AS VARCHAR), '') AS category, count(*) AS rows FROM {staged} "
                f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_CATEGORIES}"
            )
            mix[column] = {str(category): int(rows) for category, rows in connection.execute(counted).fetchall()}
    sums: dict[str, float] = {}
    for column in table.sums:
        if column in there:
            total = connection.execute(f"SELECT sum(TRY_CAST({quoted(column)} AS DOUBLE)) FROM {staged}").fetchone()
            sums[column] = float(total[0]) if total and total[0] is not None else 0.0
    return ({MIX: mix} if mix else {}) | ({SUMS: sums} if sums else {})
