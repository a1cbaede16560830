"""What staged rows say of time and of their partition: the newest event, rows of another partition, the rows of one partition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import Finding
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import ColumnType, Table
from oso_dagster.warehouse.ddl import columns_of, quoted
from oso_dagster.warehouse.staging import SCHEMA

_SKEW = timedelta(minutes=5)
"""How far an upstream's clock may run ahead of ours; a date may be a day ahead, where the day begins earlier than in UTC."""


def newest(connection: duckdb.DuckDBPyConnection, table: Table) -> datetime | None:
    """The newest event time among the staged rows of the parent table, or None."""
    if table.event_time is None or table.event_time not in columns_of(connection, SCHEMA, [table.name]).get(table.name, {}):
        return None
    column = quoted(table.event_time)
    row = connection.execute(f"SELECT max(CAST({column} AS TIMESTAMPTZ)) FROM {SCHEMA}.{quoted(table.name)}").fetchone()
    return row[0].astimezone(UTC) if row and row[0] is not None else None


def not_in_future(where: str, table: Table, found: datetime | None, now: datetime) -> Finding:
    """Whether the newest event has happened already."""
    dated = any(column.name == table.event_time and column.type is ColumnType.DATE for column in table.columns)
    passed = found is None or found <= now + (timedelta(days=1) if dated else _SKEW)
    told = found.isoformat() if found else "none"
    message = (
        f"newest event: {told}" if passed else f"{where}: {table.event_time} = {told} lies in the future of {now.isoformat()}"
    )
    return Finding("event_time_not_in_future", passed, message, {"newest_event": told})


def in_partition(connection: duckdb.DuckDBPyConnection, where: str, table: Table, window: Window) -> Finding:
    """Whether every staged row, nested ones too, belongs to the partition: others would be doubled by the next load of theirs."""
    condition, values = of_partition(table, window)
    there = columns_of(connection, SCHEMA, table.physical)
    strays: dict[str, int] = {}
    for name in table.physical:
        if name in there:
            counted = f"SELECT count(*) FROM {SCHEMA}.{quoted(name)} WHERE ({condition}) IS NOT TRUE"
            found = connection.execute(counted, values).fetchone()
            if found and found[0]:
                strays[name] = int(found[0])
    told = ", ".join(f"{rows:,} rows of {name}" for name, rows in strays.items())
    message = f"{where}: {told} do not belong to the partition {window.key}" if strays else f"all rows belong to {window.key}"
    return Finding("in_partition", not strays, message, {"strays": strays})


def of_partition(table: Table, window: Window) -> tuple[str, list[Any]]:
    """The SQL condition for the rows of one partition, and its parameters."""
    if table.partition_column is None:
        raise ValueError(f"{table.name}: no column says which partition a row belongs to")
    column = quoted(table.partition_column)
    if window.start is None:
        return f"{column} = ?", [window.key]
    return f"CAST({column} AS TIMESTAMPTZ) >= ? AND CAST({column} AS TIMESTAMPTZ) < ?", [window.start, window.end]
