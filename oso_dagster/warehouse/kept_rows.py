"""Rows of items that were set aside or not asked for: what came of them is dropped, their last good rows are staged in its place.

So everything behind it (counts, keys, publication) sees one whole, and a reader the old rows of a bad item beside the new rows
of all others. A `merge` needs no old rows staged: what does not come stays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import columns_of, quoted
from oso_dagster.warehouse.event_time import of_partition
from oso_dagster.warehouse.staging import SCHEMA, put_over
from oso_dagster.warehouse.value_rules import misfits

_ITEMS = f"{SCHEMA}.items_kept"
"""The items whose rows are kept."""


def keep_set_aside(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, items: Collection[str], window: Window | None
) -> int:
    """Stage the last good rows of `items` of the landed tables in place of what came of them; how many of the parent table.

    Raises RefusedError where a stored value does not fit its column's declared type any more.
    """
    if not items or table.item_column is None:
        return 0
    connection.execute(f"CREATE TABLE {_ITEMS} AS SELECT unnest(?) AS item", [list(items)])
    kept = 0
    for name in table.physical:
        there, item = columns_of(connection, SCHEMA, [name]).get(name), str(table.item_columns[name])
        if there is not None and item in there:
            chosen = f"CAST({quoted(item)} AS VARCHAR) IN (SELECT item FROM {_ITEMS})"
            put_over(connection, name, f"SELECT * FROM {{before}} WHERE ({chosen}) IS NOT TRUE")
        if table.disposition in {Disposition.REPLACE, Disposition.REPLACE_PARTITION}:
            rows = _stage(connection, source, table, name, items, window)
            kept += rows if name == table.name else 0
    return kept


def _stage(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: Table,
    name: str,
    items: Collection[str],
    window: Window | None,
) -> int:
    stored = columns_of(connection, source, [name]).get(name)
    if stored is None or table.item_columns[name] not in stored:
        return 0
    condition, values = _condition(table, name, items, window)
    kept = f"{SCHEMA}.{quoted(f'{name} kept')}"
    connection.execute(
        f"CREATE OR REPLACE TABLE {kept} AS SELECT * FROM {quoted(source)}.{quoted(name)} WHERE {condition}", values
    )
    wanted = {column.name: column for column in table.physical[name] if column.name in stored}
    for misfit in misfits(connection, kept, stored, wanted, table.keys[name]):
        raise RefusedError(
            f"{table_name(source, name)}: a row of an item that was set aside cannot be kept: {misfit.column} is "
            f"{misfit.value} in the row {misfit.row}, which is no {wanted[misfit.column].type_name}. Correct or delete the "
            "stored row, then run again"
        )
    there = columns_of(connection, SCHEMA, [name]).get(name)
    if there is None:
        connection.execute(f"CREATE VIEW {SCHEMA}.{quoted(name)} AS FROM {kept}")
    else:
        columns = ", ".join(_as_came(connection, kept, column, kind, there.get(column, kind)) for column, kind in stored.items())
        put_over(connection, name, f"SELECT * FROM {{before}} UNION ALL BY NAME SELECT {columns} FROM {kept}")
    count = connection.execute(f"SELECT count(*) FROM {kept}").fetchone()
    return int(count[0]) if count else 0


def _as_came(connection: duckdb.DuckDBPyConnection, kept: str, column: str, kind: str, came: str) -> str:
    """A stored column of type `kind`, with the type that came where that changes no value; else the two types become one."""
    name = quoted(column)
    changed = f"TRY_CAST(TRY_CAST({name} AS {came}) AS {kind}) IS DISTINCT FROM {name}"
    if kind == came or connection.execute(f"SELECT 1 FROM {kept} WHERE {changed} LIMIT 1").fetchone():
        return name
    return f"CAST({name} AS {came}) AS {name}"


def _condition(table: Table, name: str, items: Collection[str], window: Window | None) -> tuple[str, list[Any]]:
    chosen = f"CAST({quoted(str(table.item_columns[name]))} AS VARCHAR) IN (SELECT unnest(?))"
    if table.disposition is not Disposition.REPLACE_PARTITION or window is None:
        return chosen, [list(items)]
    within, values = of_partition(table, window)
    return f"{chosen} AND {within}", [list(items), *values]
