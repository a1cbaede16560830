"""From staging to what readers see: one transaction for parent, children and the record of the load.

The record (`platform.loads`) commits with the rows, so that "what was loaded last" is never ahead of or behind the data.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date

import duckdb

from oso_dagster.domain.catalogue.loading import ROWS_LACKING, ROWS_OF_TABLES, ROWS_REMOVED, LoadRecord, RecordedLoads
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.coverage import published
from oso_dagster.domain.judging.usual import MOST_REMEMBERED, PastLoad
from oso_dagster.domain.objectives.published import TABLES
from oso_dagster.warehouse.ddl import columns_of, comments, create, describe, quoted
from oso_dagster.warehouse.embedded import platform_tables
from oso_dagster.warehouse.embedded.added_columns import add_columns, published_columns
from oso_dagster.warehouse.embedded.moving import delete_removed_rows, delete_rows_of_whole_items, lacking_rows, move
from oso_dagster.warehouse.embedded.renaming import rename_items
from oso_dagster.warehouse.embedded.row_changes import refuse_nested_loss, row_changes
from oso_dagster.warehouse.embedded.row_counts import different_rows, rows_of_tables
from oso_dagster.warehouse.staging import SCHEMA

_LOADS = """
CREATE TABLE IF NOT EXISTS platform.loads (
    load_id VARCHAR, source VARCHAR, table_name VARCHAR, partition VARCHAR, version VARCHAR, fingerprint VARCHAR,
    rows JSON, facts JSON, loaded_at TIMESTAMPTZ
)"""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the platform's own schema and tables when they are missing; what readers may ask for is there, empty."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
    connection.execute("CREATE TABLE IF NOT EXISTS platform.identity (world VARCHAR)")
    connection.execute(_LOADS)
    platform_tables.create_missing(connection, published.NAME, published.DESCRIPTION, published.COLUMNS)
    for table in TABLES:
        platform_tables.create_missing(connection, table.name, table.description, table.columns)


def claim_world(connection: duckdb.DuckDBPyConnection, world: str) -> str:
    """The world that the file belongs to; a new file is claimed for `world`."""
    row = connection.execute("SELECT world FROM platform.identity").fetchone()
    if row is None:
        connection.execute("INSERT INTO platform.identity VALUES (?)", [world])
        return world
    return str(row[0])


def create_tables(connection: duckdb.DuckDBPyConnection, source: str, table: Table) -> None:
    """Create the declared tables of one asset that do not exist yet, with their comments."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(source)}")
    existing = columns_of(connection, source, table.physical)
    for name, columns in table.physical.items():
        if name not in existing:
            created = f"{quoted(source)}.{quoted(name)}"
            create(connection, created, columns)
            describe(connection, created, table.descriptions[name], columns, {})


def renew_comments(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> None:
    """Have all declared descriptions stand at the tables and columns that are there, also where they have changed."""
    current_comments = comments(connection)
    for source in sources:
        for table in source.tables:
            for name, columns in table.physical.items():
                current = current_comments[source.name, name]
                known = [column for column in columns if column.name in current]
                describe(connection, f"{quoted(source.name)}.{quoted(name)}", table.descriptions[name], known, current)


def last_loads(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, partitions: Sequence[str | None]
) -> dict[str | None, LoadRecord]:
    """The newest record of each of these partitions of a table (None: the whole table) that was loaded."""
    if not columns_of(connection, "platform", ["loads"]):
        return {}
    records = connection.execute(
        "SELECT load_id, partition, version, fingerprint, rows, loaded_at, facts FROM platform.loads "
        "WHERE source = ? AND table_name = ? AND list_contains(?, coalesce(partition, '')) "
        "QUALIFY row_number() OVER (PARTITION BY partition ORDER BY loaded_at DESC) = 1",
        [source, table, [partition or "" for partition in partitions]],
    ).fetchall()
    return {
        partition: LoadRecord(
            load_id, source, table, partition, version, mark, json.loads(rows), loaded_at.astimezone(UTC), json.loads(facts)
        )
        for load_id, partition, version, mark, rows, loaded_at, facts in records
    }


def recorded_loads(
    connection: duckdb.DuckDBPyConnection, load_ids: Collection[str], tables: Sequence[tuple[Source, Table]]
) -> dict[tuple[str, str], RecordedLoads]:
    """By source and table, of which partitions there are records ("": the whole table), and which of the loads `load_ids`.

    Of `tables` also what has other rows than their records say.
    """
    if not columns_of(connection, "platform", ["loads"]):
        return {}
    rows = connection.execute(
        "SELECT source, table_name, list(DISTINCT coalesce(partition, '')), "
        "list(load_id) FILTER (list_contains(?, load_id)) FROM platform.loads GROUP BY ALL",
        [sorted(load_ids)],
    ).fetchall()
    differing = different_rows(connection, tables)
    return {
        (source, table): RecordedLoads(frozenset(partitions), frozenset(asked or ()), differing.get((source, table), ()))
        for source, table, partitions, asked in rows
    }


def past_loads(connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window | None) -> list[PastLoad]:
    """What is remembered of the newest whole loads of a table; of time partitions before `window`, of each the newest load."""
    timed = window is not None and window.start is not None
    newest = "PARTITION BY partition" if timed else "PARTITION BY load_id"
    loads = connection.execute(
        "SELECT partition, loaded_at, rows, json_extract(facts, '$.sums'), json_extract(facts, '$.mix') FROM platform.loads "
        "WHERE source = ? AND table_name = ? AND json_extract_string(facts, '$.cut_short') IS NULL AND (NOT ? OR partition < ?) "
        f"QUALIFY row_number() OVER ({newest} ORDER BY loaded_at DESC) = 1 "
        f"ORDER BY {'partition' if timed else 'loaded_at'} DESC LIMIT {MOST_REMEMBERED}",
        [source, table.name, timed, window.key if window is not None else ""],
    ).fetchall()
    return [
        PastLoad(
            _day(table, key) if timed else loaded_at.astimezone(UTC).date(),
            int(json.loads(rows)[table.name]),
            json.loads(sums or "{}"),
            json.loads(mix or "{}"),
        )
        for key, loaded_at, rows, sums, mix in loads
    ]


def _day(table: Table, key: str) -> date:
    start = table.partitions.window(key).start if table.partitions else None
    if start is None:
        raise ValueError(f"{table.name} has no time partition {key!r}")
    return start.date()


def table_rows(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> int:
    """How many rows a landed table has."""
    row = connection.execute(f"SELECT count(*) FROM {quoted(source)}.{quoted(table)}").fetchone()
    return int(row[0]) if row else 0


def publish(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    record: LoadRecord,
    window: Window | None,
    *,
    allow_shrink: bool,
    whole_items: Collection[str] = (),
) -> tuple[LoadRecord, list[str]]:
    """Move the staged rows to their tables; the record with what that changed, and the columns that are new upstream.

    Of `whole_items` no row stays that did not come.
    """
    connection.begin()
    try:
        create_tables(connection, record.source, table)
        staged = published_columns(table, columns_of(connection, SCHEMA, table.physical))
        added = [column for name in table.physical for column in add_columns(connection, record.source, table, name, staged)]
        if not allow_shrink and table.name in staged:
            refuse_nested_loss(connection, record.source, table)
        renames = rename_items(connection, record, table)
        changes = row_changes(connection, record, table, window, staged.get(table.name, {}))
        for name in table.physical:
            move(connection, record, table, name, window, staged.get(name, {}))
        changes[ROWS_REMOVED] += delete_removed_rows(connection, record, table, window, allow_shrink=allow_shrink)
        changes[ROWS_REMOVED] += delete_rows_of_whole_items(connection, record, table, whole_items, allow_shrink=allow_shrink)
        lacking = lacking_rows(connection, record, table, window)
        counted = {ROWS_OF_TABLES: rows_of_tables(connection, record.source, table), ROWS_LACKING: lacking}
        more = {name: value for name, value in counted.items() if value}
        record = replace(record, facts=record.facts | changes | renames | more)
        connection.execute(
            "INSERT INTO platform.loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                record.load_id, record.source, record.table, record.partition, record.version, record.fingerprint,
                json.dumps(dict(record.rows)), json.dumps(record.facts), record.loaded_at,
            ],
        )  # fmt: skip
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a commit that failed has ended it: its own error, such as a full disk, is the one to see
            connection.rollback()
        raise
    return record, added
