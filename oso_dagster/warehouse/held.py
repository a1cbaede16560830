"""How much of what a second count counts the warehouse holds: by category, in the span and of the items that were asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.second_count import Measure, SecondCount, TrueCount
from oso_dagster.domain.catalogue.source import ColumnType, Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import quoted

_Scope = tuple[datetime | None, datetime | None, tuple[str, ...]]


def held_counts(
    connection: duckdb.DuckDBPyConnection, source: Source, table: Table, second: SecondCount, counts: Sequence[TrueCount]
) -> list[int]:
    """What is held beside each of `counts`, in their order; 0 of a category that is not there. Totals are rounded.

    Raises ValueError for a count of a span, or of items, where the declaration names no column of them.
    """
    connection.execute("SET TimeZone = 'UTC'")  # a date begins at midnight UTC, wherever this runs
    by_scope: dict[_Scope, dict[str, int]] = defaultdict(dict)
    for scope in {_scope(count) for count in counts}:
        by_scope[scope] = _held(connection, source, table, second, scope)
    return [by_scope[_scope(count)].get(count.category, 0) for count in counts]


def held_by_item(
    connection: duckdb.DuckDBPyConnection, source: Source, table: Table, second: SecondCount, counts: Sequence[TrueCount]
) -> list[dict[str, int]]:
    """What is held of each item beside each of `counts`, in their order; nothing of one that is not there."""
    by_scope = {scope: _held_of_items(connection, source, table, second, scope) for scope in {_scope(count) for count in counts}}
    return [by_scope[_scope(count)].get(count.category, {}) for count in counts]


def _scope(count: TrueCount) -> _Scope:
    return count.since, count.until, count.items


def _held(
    connection: duckdb.DuckDBPyConnection, source: Source, table: Table, second: SecondCount, scope: _Scope
) -> dict[str, int]:
    query, values = _query(source, table, second, scope, "''")
    return {str(name): int(count) for name, _, count in connection.execute(query, values).fetchall()}


def _held_of_items(
    connection: duckdb.DuckDBPyConnection, source: Source, table: Table, second: SecondCount, scope: _Scope
) -> dict[str, dict[str, int]]:
    by_category: dict[str, dict[str, int]] = defaultdict(dict)
    item = f"CAST({quoted(str(second.held.item))} AS VARCHAR)"
    query, values = _query(source, table, second, scope, item)
    for category, name, count in connection.execute(query, values).fetchall():
        by_category[str(category)][str(name)] = int(count)
    return by_category


def _query(source: Source, table: Table, second: SecondCount, scope: _Scope, by: str) -> tuple[str, list[Any]]:
    """What is held by category and `by`, an expression; with the values of the query."""
    held, (since, until, items) = second.held, scope
    column = quoted(held.column) if held.column is not None else ""
    added = " + ".join([column, *(f"coalesce({quoted(name)}, 0)" for name in held.also)])
    measured = {
        Measure.ROWS: "count(*)",
        Measure.DISTINCT: f"count(DISTINCT {column})",
        Measure.SUM: f"CAST(round(coalesce(sum({added}), 0)) AS HUGEINT)",
    }[held.measure]
    category = f"coalesce(CAST({quoted(held.category)} AS VARCHAR), '')" if held.category is not None else "''"
    conditions, values = _in_span(source, table, held.time or table.event_time, since, until)
    if items:
        if held.item is None:
            raise ValueError(
                f"{table_name(source.name, table.name)}: the second count is of some items, but `held` names no item column"
            )
        conditions.append(f"CAST({quoted(held.item)} AS VARCHAR) IN (SELECT unnest(?))")
        values.append(list(items))
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    # Declared identifiers, quoted; values are parameters.
    query = f"SELECT {category}, {by}, {measured} FROM {quoted(source.name)}.{quoted(table.name)} {where} GROUP BY 1, 2"
    return query, values


def _in_span(
    source: Source, table: Table, column: str | None, since: datetime | None, until: datetime | None
) -> tuple[list[str], list[Any]]:
    limits = [(sign, moment) for sign, moment in ((">=", since), ("<", until)) if moment is not None]
    if limits and column is None:
        raise ValueError(
            f"{table_name(source.name, table.name)}: the second count is of a span, but no column says when a row happened"
        )
    dated = any(declared.name == column and declared.type is ColumnType.DATE for declared in table.columns)
    values = [moment.date() if dated else moment for _, moment in limits]
    return [f"{quoted(str(column))} {sign} ?" for sign, _ in limits], values
