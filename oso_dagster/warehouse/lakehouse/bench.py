"""A DuckDB database in memory with what the lakehouse has of a table: where a load is judged and moved by the shared code.

What comes out is written to Iceberg by `landing`. It is called as the catalogue is, since views name it so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.table import Table as IcebergTable

from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Column, Source, Table
from oso_dagster.warehouse.ddl import duckdb_type, quoted
from oso_dagster.warehouse.embedded import publishing
from oso_dagster.warehouse.lakehouse.catalogue import NAME, LakeCatalogue
from oso_dagster.warehouse.lakehouse.columns import iceberg_type, rows_of

_ARRIVED = "rows_of_the_lake"


def open_bench(connection: duckdb.DuckDBPyConnection) -> None:
    """Attach an empty one to `connection` as its current database."""
    connection.execute(f"ATTACH ':memory:' AS {NAME}")
    connection.execute(f"USE {NAME}")
    connection.execute("SET TimeZone = 'UTC'")
    publishing.prepare(connection)


def close_bench(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Detach it; `database` is the current one then."""
    connection.execute(f"USE {database}")
    connection.execute(f"DETACH {NAME}")


def put_records(connection: duckdb.DuckDBPyConnection, records: Sequence[tuple[Any, ...]]) -> None:
    """Have `platform.loads` hold these records."""
    if records:
        connection.executemany(
            "INSERT INTO platform.loads (load_id, source, table_name, partition, version, fingerprint, rows, facts, loaded_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [list(record) for record in records],
        )


def put_table(
    connection: duckdb.DuckDBPyConnection, catalogue: LakeCatalogue, source: Source, table: Table, window: Window | None
) -> dict[str, int]:
    """Have it hold what a load of `window` may change of an asset's tables; how many rows by landed table."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(source.name)}")
    rows: dict[str, int] = {}
    for name, columns in table.physical.items():
        stored = catalogue.table_or_none(source.name, name)
        rows[name] = put(connection, stored, source.name, name, columns, rows_of(table, window)) if stored else 0
    publishing.create_tables(connection, source.name, table)  # those that the lakehouse does not have yet
    return rows


def put(
    connection: duckdb.DuckDBPyConnection,
    stored: IcebergTable,
    schema: str,
    name: str,
    columns: Sequence[Column] = (),
    rows: BooleanExpression | None = None,
) -> int:
    """Copy the rows of an Iceberg table, with the declared types where these are what is stored; how many."""
    arrived: pa.Table = stored.scan(row_filter=rows or AlwaysTrue()).to_arrow()
    declared = {column.name: column for column in columns}
    chosen = []
    for field in stored.schema().fields:
        column = declared.get(field.name)
        same = column is not None and str(iceberg_type(column)) == str(field.field_type)
        kind = duckdb_type(column) if column is not None and same else None
        chosen.append(f"CAST({quoted(field.name)} AS {kind}) AS {quoted(field.name)}" if kind else quoted(field.name))
    connection.register(_ARRIVED, arrived)
    try:
        target = f"{NAME}.{quoted(schema)}.{quoted(name)}"
        connection.execute(f"CREATE TABLE {target} AS SELECT {', '.join(chosen)} FROM {_ARRIVED}")
    finally:
        connection.unregister(_ARRIVED)
    return int(arrived.num_rows)
