"""How staged rows take their place in a table, by its disposition. Runs inside the publishing transaction.

`replace` and `replace_partition` delete what the new rows stand for; `merge` deletes the older versions of rows that came, and
with a row all that is nested in it; `append` adds what is not there yet. Each gives the same rows when it is done twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from oso_dagster.domain.catalogue.loading import LoadRecord, RefusedError, refuse_shrink
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import columns_of, duckdb_type, quoted
from oso_dagster.warehouse.event_time import of_partition
from oso_dagster.warehouse.staging import SCHEMA, SURVIVING


def move(
    connection: duckdb.DuckDBPyConnection,
    record: LoadRecord,
    table: Table,
    name: str,
    window: Window | None,
    arrived: dict[str, str],
) -> None:
    """Put the staged rows of the landed table `name` into their place; `arrived` are its staged columns, none without rows."""
    target, staged = f"{quoted(record.source)}.{quoted(name)}", f"{SCHEMA}.{quoted(name)}"
    _make_room(connection, record.source, table, name, window)
    if not arrived:
        return
    declared = {column.name: duckdb_type(column) for column in table.physical[name]}
    names = ", ".join(quoted(column) for column in arrived)
    values = ", ".join(
        f"CAST(new.{quoted(column)} AS {declared[column]})" if column in declared else f"new.{quoted(column)}"
        for column in arrived
    )
    fresh = ""
    if table.disposition is Disposition.APPEND or table.newest_by:  # what is still there now is newer than what arrives
        fresh = f" WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {_same(table.keys[name])})"
    try:
        connection.execute(f"INSERT INTO {target} ({names}) SELECT {values} FROM {staged} AS new{fresh}")
    except duckdb.ConversionException as error:
        raise RefusedError(f"{table_name(record.source, name)}: a column has changed its type: {error}") from error


def delete_removed_rows(
    connection: duckdb.DuckDBPyConnection, record: LoadRecord, table: Table, window: Window | None, *, allow_shrink: bool
) -> int:
    """Delete the rows that upstream no longer has, of the partition where there is one; how many of the parent table.

    Raises RefusedError when more would go than may vanish at once, unless shrinking is allowed, and when a whole load of a table
    that declares `surviving` does not say which keys survive.
    """
    where, (database, schema, name) = table_name(record.source, table.name), SURVIVING.split(".")
    if not columns_of(connection, f"{database}.{schema}", [name]):
        if table.surviving and not record.cut_short:
            raise RefusedError(f"{where}: it declares surviving, but the load does not say which keys upstream still has")
        return 0
    parents = f"{quoted(record.source)}.{quoted(table.name)}"
    within, values = of_partition(table, window) if window is not None and table.partition_column else ("TRUE", [])
    gone = f"NOT EXISTS (SELECT 1 FROM {SURVIVING} AS new WHERE {_same(table.primary_key)})"
    counted = f"SELECT count(*), count(*) FILTER (WHERE {gone}) FROM {parents} AS old WHERE {within}"
    before, removed = connection.execute(counted, values).fetchone() or (0, 0)
    problem = refuse_shrink(where, before=before, now=before - removed, floor=1 - table.vanish_share, slack=10)
    if problem and not allow_shrink:
        raise RefusedError(problem)
    of_parent = f"EXISTS (SELECT 1 FROM (SELECT * FROM {parents} WHERE {within}) AS new WHERE {_same(table.primary_key)})"
    for landed in reversed(table.physical):  # nested rows first: their parents say which partition they are of
        target = f"{quoted(record.source)}.{quoted(landed)}"
        connection.execute(f"DELETE FROM {target} AS old WHERE {gone} AND {of_parent}", values)
    return int(removed)


def lacking_rows(connection: duckdb.DuckDBPyConnection, record: LoadRecord, table: Table, window: Window | None) -> int:
    """How many of the keys that upstream still has the table has not, once the load is moved there; 0 where it says no keys."""
    database, schema, name = SURVIVING.split(".")
    if window is not None or not columns_of(connection, f"{database}.{schema}", [name]):
        return 0
    parents = f"{quoted(record.source)}.{quoted(table.name)}"
    there = f"EXISTS (SELECT 1 FROM {parents} AS old WHERE {_same(table.primary_key)})"
    row = connection.execute(f"SELECT count(*) FROM {SURVIVING} AS new WHERE NOT {there}").fetchone()
    return int(row[0]) if row else 0


def delete_rows_of_whole_items(
    connection: duckdb.DuckDBPyConnection, record: LoadRecord, table: Table, items: Collection[str], *, allow_shrink: bool
) -> int:
    """Delete the stored rows of items that came whole, as far as they did not come; how many.

    Raises RefusedError when more of these items' rows would go than may vanish at once, unless shrinking is allowed.
    """
    if not items or not columns_of(connection, SCHEMA, [table.name]):
        return 0
    target, staged = f"{quoted(record.source)}.{quoted(table.name)}", f"{SCHEMA}.{quoted(table.name)}"
    theirs = f"CAST(old.{quoted(str(table.item_column))} AS VARCHAR) IN (SELECT unnest(?))"
    gone = f"NOT EXISTS (SELECT 1 FROM {staged} AS new WHERE {_same(table.primary_key)})"
    counted = f"SELECT count(*), count(*) FILTER (WHERE {gone}) FROM {target} AS old WHERE {theirs}"
    before, removed = connection.execute(counted, [list(items)]).fetchone() or (0, 0)
    where = table_name(record.source, table.name)
    problem = refuse_shrink(where, before=before, now=before - removed, floor=1 - table.vanish_share, slack=10)
    if problem and not allow_shrink:
        raise RefusedError(problem)
    connection.execute(f"DELETE FROM {target} AS old WHERE {theirs} AND {gone}", [list(items)])
    return int(removed)


def _make_room(connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str, window: Window | None) -> None:
    target = f"{quoted(source)}.{quoted(name)}"
    if table.disposition is Disposition.REPLACE:
        connection.execute(f"DELETE FROM {target}")
    elif table.disposition is Disposition.REPLACE_PARTITION:
        if window is None:
            raise RefusedError(f"{table_name(source, name)}: replace_partition needs a partition")
        condition, values = of_partition(table, window)
        connection.execute(f"DELETE FROM {target} WHERE {condition}", values)
    elif table.disposition is Disposition.MERGE and columns_of(connection, SCHEMA, [table.name]):
        # By name, since DuckDB would carry all columns of the rows that came through the join, however wide they are.
        came = f"SELECT {', '.join(map(quoted, {*table.primary_key, *table.newest_by}))} FROM {SCHEMA}.{quoted(table.name)}"
        due = _same(table.primary_key)
        if table.newest_by:  # an older version does not come back over a newer one
            due += f" AND {_latest('old', table.newest_by)} <= {_latest('new', table.newest_by)}"
        connection.execute(f"DELETE FROM {target} AS old USING ({came}) AS new WHERE {due}")


def _same(key: Sequence[str]) -> str:
    return " AND ".join(f"old.{quoted(column)} = new.{quoted(column)}" for column in key)


def _latest(alias: str, times: Sequence[str]) -> str:
    """The latest of several times of a row; a missing one counts as long ago."""
    coalesced = ", ".join(f"coalesce(CAST({alias}.{quoted(time)} AS TIMESTAMPTZ), TIMESTAMPTZ '1970-01-01')" for time in times)
    return f"greatest({coalesced})"
