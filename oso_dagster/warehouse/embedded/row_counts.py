"""Counts what tables hold, and holds it against the records of their loads: rows deleted or added behind the platform's back.

Counting whole tables costs next to nothing in DuckDB; only where a table differs are its partitions counted one by one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb

from oso_dagster.domain.catalogue.loading import ROWS_OF_TABLES, DifferentRows
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Source, Table
from oso_dagster.warehouse.ddl import literal, quoted
from oso_dagster.warehouse.event_time import of_partition

_NEWEST = f"""
    SELECT source, table_name, partition, arg_max(rows, rowid), arg_max(json_extract(facts, '$.{ROWS_OF_TABLES}'), rowid)
    FROM platform.loads GROUP BY source, table_name, partition ORDER BY max(rowid)
"""
"""In the order in which they were published: the time in a record is that of a clock, which may once have been wrong."""

_Records = dict[str | None, dict[str, int]]


def rows_of_tables(connection: duckdb.DuckDBPyConnection, source: str, table: Table) -> dict[str, int]:
    """How many rows each landed table has; nothing where the rows of the loads themselves say so."""
    if table.disposition in {Disposition.REPLACE, Disposition.REPLACE_PARTITION}:
        return {}
    return _counts(connection, [(source, name) for name in table.physical])[source]


def different_rows(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[tuple[Source, Table]]
) -> dict[tuple[str, str], tuple[DifferentRows, ...]]:
    """By source and table, what has other rows than the records say; tables of which no record says how many are left out."""
    loads, after = _records(connection)
    expected = {
        (source.name, table.name): _expected(table, loads[source.name, table.name], after.get((source.name, table.name)))
        for source, table in tables
        if (source.name, table.name) in loads
    }
    there = {
        (schema, name)
        for schema, name in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall()
    }
    wanted = [(source, name) for (source, _), rows in expected.items() for name in rows if (source, name) in there]
    held = _counts(connection, wanted)
    differing = {}
    for source, table in tables:
        key = (source.name, table.name)
        rows = {name: held[source.name].get(name, 0) for name in expected.get(key, {})}
        wrong = [name for name, count in rows.items() if count != expected[key][name]]
        if wrong and table.disposition is Disposition.REPLACE_PARTITION:
            differing[key] = _by_partition(connection, source.name, table, loads[key], {name: rows[name] for name in wrong})
        elif wrong:
            differing[key] = tuple(
                DifferentRows(f"{source.name}.{name}", None, expected[key][name], rows[name]) for name in wrong
            )
    return differing


def _records(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[dict[tuple[str, str], _Records], dict[tuple[str, str], dict[str, int]]]:
    """The rows of the newest load of each partition; and what the tables had after the newest load of all, where it says so."""
    loads: dict[tuple[str, str], _Records] = defaultdict(dict)
    after: dict[tuple[str, str], dict[str, int]] = {}
    for source, table, partition, rows, of_tables in connection.execute(_NEWEST).fetchall():
        loads[source, table][partition] = json.loads(rows)
        after[source, table] = json.loads(of_tables or "{}")
    return loads, after


def _expected(table: Table, loads: _Records, after: Mapping[str, int] | None) -> dict[str, int]:
    """How many rows each landed table should have, as far as that is known."""
    if table.disposition is Disposition.REPLACE:
        return {name: int(loads[None][name]) for name in table.physical if name in loads.get(None, {})}
    if table.disposition is Disposition.REPLACE_PARTITION:
        return {name: sum(int(rows.get(name, 0)) for rows in loads.values()) for name in table.physical}
    return {name: int(rows) for name, rows in (after or {}).items() if name in table.physical}


def _counts(connection: duckdb.DuckDBPyConnection, landed: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    if landed:
        query = " UNION ALL ".join(
            f"SELECT {literal(source)}, {literal(name)}, count(*) FROM {quoted(source)}.{quoted(name)}" for source, name in landed
        )
        for source, name, rows in connection.execute(query).fetchall():
            counts[source][name] = int(rows)
    return counts


def _by_partition(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, loads: _Records, held: Mapping[str, int]
) -> tuple[DifferentRows, ...]:
    """The partitions that differ; where none does, rows that belong to none of them."""
    connection.execute("SET TimeZone = 'UTC'")  # a date begins at midnight UTC, wherever this runs
    windows = {key: window for key in loads if (window := _window(table, key)) is not None}
    differing: list[DifferentRows] = []
    for name, rows in held.items():
        recorded = {key: int(counts.get(name, 0)) for key, counts in loads.items()}
        of_this = [
            DifferentRows(f"{source}.{name}", key, recorded[key], count)
            for key, window in windows.items()
            if (count := _count(connection, source, table, name, window) if rows else 0) != recorded[key]
        ]
        differing += of_this or [DifferentRows(f"{source}.{name}", "", sum(recorded.values()), rows)]
    return tuple(differing)


def _window(table: Table, key: str | None) -> Window | None:
    """The span of a partition; None for one of an earlier declaration, which began before or was cut otherwise."""
    try:
        return table.partitions.window(key) if table.partitions is not None and key is not None else None
    except ValueError:
        return None


def _count(connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str, window: Window) -> int:
    condition, values = of_partition(table, window)
    query = f"SELECT count(*) FROM {quoted(source)}.{quoted(name)} WHERE {condition}"
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0
