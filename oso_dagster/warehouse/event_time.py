"""The time columns of staged rows: the newest event, rows that belong to another partition, the rows of one partition."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import Finding, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.domain.judging.load_checks import IN_PARTITION
from oso_dagster.warehouse.ddl import columns_of, quoted
from oso_dagster.warehouse.staging import SCHEMA


def newest(connection: duckdb.DuckDBPyConnection, where: str, table: Table) -> datetime | None:
    """The newest event time among the staged rows of the parent table, or None. Raises RefusedError when they are no times."""
    if table.event_time is None or table.event_time not in columns_of(connection, SCHEMA, [table.name]).get(table.name, {}):
        return None
    column = quoted(table.event_time)
    finite = f"CAST({column} AS TIMESTAMPTZ) < TIMESTAMPTZ '9999-12-31 00:00:00+00'"  # what is not is refused by `values`
    try:
        row = connection.execute(
            f"SELECT max(CAST({column} AS TIMESTAMPTZ)) FILTER (WHERE {finite}) FROM {SCHEMA}.{quoted(table.name)}"
        ).fetchone()
    except duckdb.ConversionException as error:
        raise RefusedError(f"{where}: a column has changed its type: {error}") from error
    return row[0].astimezone(UTC) if row and row[0] is not None else None


def in_partition(connection: duckdb.DuckDBPyConnection, where: str, table: Table, window: Window) -> Finding:
    """Whether every staged row, nested ones too, belongs to the partition: others would be doubled by the next load of theirs."""
    condition, values = of_partition(table, window)
    staged_columns = columns_of(connection, SCHEMA, table.physical)
    strays: dict[str, int] = {}
    for name in table.physical:
        if name in staged_columns:
            counted = f"SELECT count(*) FROM {SCHEMA}.{quoted(name)} WHERE ({condition}) IS NOT TRUE"
            row = connection.execute(counted, values).fetchone()
            if row and row[0]:
                strays[name] = int(row[0])
    text = ", ".join(f"{rows:,} rows of {name}" for name, rows in strays.items())
    message = f"{where}: {text} do not belong to the partition {window.key}" if strays else f"all rows belong to {window.key}"
    return IN_PARTITION.finding(table, passed=not strays, message=message, facts={"strays": strays})


def of_partition(table: Table, window: Window) -> tuple[str, list[Any]]:
    """The SQL condition for the rows of one partition, and its parameters."""
    if table.partition_column is None:
        raise ValueError(f"{table.name}: no column says which partition a row belongs to")
    column = quoted(table.partition_column)
    if window.start is None:
        return f"{column} = ?", [window.key]
    return f"CAST({column} AS TIMESTAMPTZ) >= ? AND CAST({column} AS TIMESTAMPTZ) < ?", [window.start, window.end]
