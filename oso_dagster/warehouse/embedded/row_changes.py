"""What a load changes in a table, counted before it does: rows added, changed and removed, and nested rows that would be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from oso_dagster.domain.catalogue.loading import ROWS_ADDED, ROWS_CHANGED, ROWS_REMOVED, LoadRecord, RefusedError, refuse_shrink
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import columns_of, duckdb_type, quoted
from oso_dagster.warehouse.event_time import of_partition
from oso_dagster.warehouse.staging import SCHEMA

_NESTED_SLACK = 10
"""Nested rows that a load may lose whatever their share."""


def row_changes(
    connection: duckdb.DuckDBPyConnection, record: LoadRecord, table: Table, window: Window | None, arrived: Mapping[str, str]
) -> dict[str, int]:
    """How many rows of the parent table the staged ones add, change and remove; the table is still as it was.

    `arrived` are the staged columns that will be published. A row has changed when one of its values is another than before,
    those of `Table.not_compared` left out.
    """
    old, values = _scope(record.source, table, window)
    replaces = table.disposition in {Disposition.REPLACE, Disposition.REPLACE_PARTITION}
    there = _count(connection, old, values)
    if not arrived:
        return {ROWS_ADDED: 0, ROWS_CHANGED: 0, ROWS_REMOVED: there if replaces else 0}
    staged = f"{SCHEMA}.{quoted(table.name)}"
    if not there:
        return {ROWS_ADDED: _count(connection, staged, []), ROWS_CHANGED: 0, ROWS_REMOVED: 0}
    stored = columns_of(connection, record.source, [table.name])[table.name]
    same = " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in table.primary_key)
    compared = [name for name in arrived if name not in {*table.primary_key, *table.not_compared}]

    def marked(value: Callable[[str], str]) -> str:
        """A row's key, and one hash of its other values: what is joined fits in memory, on either side, however wide rows are."""
        keys = [f"{value(name)} AS {quoted(name)}" for name in table.primary_key]
        return ", ".join([*keys, (f"hash({', '.join(map(value, compared))})" if compared else "0") + " AS mark"])

    now, before = marked(lambda name: f"TRY_CAST({quoted(name)} AS {stored[name]})"), marked(quoted)
    counts = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE old.here IS NULL), count(*) FILTER (WHERE old.here AND old.mark <> new.mark) "
        f"FROM (SELECT {now} FROM {staged}) AS new LEFT JOIN (SELECT {before}, TRUE AS here FROM {old}) AS old ON {same}",
        values,
    ).fetchone()
    came, added, changed = map(int, counts or (0, 0, 0))
    removed = there - (came - added) if replaces else 0
    return {ROWS_ADDED: added, ROWS_CHANGED: 0 if table.disposition is Disposition.APPEND else changed, ROWS_REMOVED: removed}


def _count(connection: duckdb.DuckDBPyConnection, relation: str, values: list[object]) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {relation} AS counted", values).fetchone() or (0,)
    return int(rows)


def refuse_nested_loss(connection: duckdb.DuckDBPyConnection, source: str, table: Table) -> None:
    """Raise RefusedError when the rows that came would lose more of what is nested in them than may vanish at once."""
    if table.disposition is not Disposition.MERGE:
        return
    parents = f"{SCHEMA}.{quoted(table.name)}"
    same = " AND ".join(
        f"old.{quoted(column.name)} = CAST(new.{quoted(column.name)} AS {duckdb_type(column)})"
        for column in table.columns
        if column.name in table.primary_key
    )
    for child in table.children:
        name = f"{table.name}__{child.suffix}"
        old = f"SELECT count(*) FROM {quoted(source)}.{quoted(name)} AS old"
        before = connection.execute(f"{old} WHERE EXISTS (SELECT 1 FROM {parents} AS new WHERE {same})").fetchone() or (0,)
        now = (0,)
        try:
            now = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{quoted(name)}").fetchone() or (0,)
        except duckdb.CatalogException:  # without rows there is no staged table
            now = (0,)
        problem = refuse_shrink(
            table_name(source, name), before=before[0], now=now[0], floor=1 - table.vanish_share, slack=_NESTED_SLACK
        )
        if problem:
            raise RefusedError(problem)


def _scope(source: str, table: Table, window: Window | None) -> tuple[str, list[object]]:
    """The rows that the load stands for, as a relation in parentheses, and its parameters."""
    target = f"{quoted(source)}.{quoted(table.name)}"
    if table.disposition is Disposition.REPLACE_PARTITION and window is not None:
        condition, values = of_partition(table, window)
        return f"(SELECT * FROM {target} WHERE {condition})", values
    return target, []
