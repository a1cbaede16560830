"""From staging to what readers see: one transaction for parent, children and the record of the load.

The record (`platform.loads`) commits with the rows, so that "what was loaded last" is never ahead of or behind the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC

import duckdb

from oso_dagster.domain.catalogue.loading import LoadRecord, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import SchemaContract, Source, Table
from oso_dagster.warehouse.ddl import columns_of, comments, create, describe, duckdb_type, quoted
from oso_dagster.warehouse.embedded.moving import delete_removed_rows, move
from oso_dagster.warehouse.staging import SCHEMA

_LOADS = """
CREATE TABLE IF NOT EXISTS platform.loads (
    load_id VARCHAR, source VARCHAR, table_name VARCHAR, partition VARCHAR, version VARCHAR, fingerprint VARCHAR,
    rows JSON, facts JSON, loaded_at TIMESTAMPTZ
)"""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the platform's own schema and tables when they are missing."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
    connection.execute("CREATE TABLE IF NOT EXISTS platform.identity (world VARCHAR)")
    connection.execute(_LOADS)


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
    told = comments(connection)
    for source in sources:
        for table in source.tables:
            for name, columns in table.physical.items():
                there = told[source.name, name]
                known = [column for column in columns if column.name in there]
                describe(connection, f"{quoted(source.name)}.{quoted(name)}", table.descriptions[name], known, there)


def last_loads(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, partitions: Sequence[str | None]
) -> dict[str | None, LoadRecord]:
    """The newest record of each of these partitions of a table (None: the whole table) that was loaded."""
    if not columns_of(connection, "platform", ["loads"]):
        return {}
    found = connection.execute(
        "SELECT load_id, partition, version, fingerprint, rows, loaded_at, facts FROM platform.loads "
        "WHERE source = ? AND table_name = ? AND list_contains(?, coalesce(partition, '')) "
        "QUALIFY row_number() OVER (PARTITION BY partition ORDER BY loaded_at DESC) = 1",
        [source, table, [partition or "" for partition in partitions]],
    ).fetchall()
    return {
        partition: LoadRecord(
            load_id, source, table, partition, version, mark, json.loads(rows), loaded_at.astimezone(UTC), json.loads(facts)
        )
        for load_id, partition, version, mark, rows, loaded_at, facts in found
    }


def row_counts(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> list[int]:
    """Rows of the parent table in its newest loads, whatever their partition."""
    found = connection.execute(
        "SELECT rows FROM platform.loads WHERE source = ? AND table_name = ? ORDER BY loaded_at DESC LIMIT 30", [source, table]
    ).fetchall()
    return [int(json.loads(rows)[table]) for (rows,) in found]


def table_rows(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> int:
    """How many rows a landed table has."""
    found = connection.execute(f"SELECT count(*) FROM {quoted(source)}.{quoted(table)}").fetchone()
    return int(found[0]) if found else 0


def publish(connection: duckdb.DuckDBPyConnection, table: Table, record: LoadRecord, window: Window | None) -> list[str]:
    """Move the staged rows to their tables; returns the columns that are new upstream."""
    connection.begin()
    try:
        create_tables(connection, record.source, table)
        staged = _wanted(table, columns_of(connection, SCHEMA, table.physical))
        added = [column for name in table.physical for column in _add_columns(connection, record.source, table, name, staged)]
        for name in table.physical:
            move(connection, record, table, name, window, staged.get(name, {}))
        delete_removed_rows(connection, record.source, table)
        connection.execute(
            "INSERT INTO platform.loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                record.load_id, record.source, record.table, record.partition, record.version, record.fingerprint,
                json.dumps(dict(record.rows)), json.dumps(record.facts), record.loaded_at,
            ],
        )  # fmt: skip
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return added


def _wanted(table: Table, staged: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The staged columns that may be published: where new ones are only reported, those that are declared."""
    if table.contract is not SchemaContract.REPORT:
        return staged
    declared = {name: {column.name for column in columns} for name, columns in table.physical.items()}
    return {name: {one: kind for one, kind in columns.items() if one in declared[name]} for name, columns in staged.items()}


def _add_columns(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str, staged: dict[str, dict[str, str]]
) -> list[str]:
    """Columns that were declared since, and those that nobody declared, with the type they came in: these are reported."""
    there = columns_of(connection, source, [name])[name]
    declared = {column.name: column for column in table.physical[name]}
    wanted = {column.name: duckdb_type(column.type) for column in declared.values()}
    new = {column: kind for column, kind in (staged.get(name, {}) | wanted).items() if column not in there}
    target = f"{quoted(source)}.{quoted(name)}"
    for column, kind in new.items():
        connection.execute(f"ALTER TABLE {target} ADD COLUMN {quoted(column)} {kind}")
    for column, kind in wanted.items():  # what arrived as text before it was declared
        if there.get(column) == "VARCHAR" != kind:
            _retype(connection, target, column, kind)
    about = table.descriptions[name]
    describe(connection, target, about, [declared[column] for column in new if column in declared], {"": about})
    return [f"{name}.{column}" for column in new]


def _retype(connection: duckdb.DuckDBPyConnection, target: str, column: str, kind: str) -> None:
    try:
        connection.execute(f"ALTER TABLE {target} ALTER COLUMN {quoted(column)} SET DATA TYPE {kind}")
    except duckdb.ConversionException as error:
        raise RefusedError(f"{target}.{column}: what is there as text is no {kind}: {error}") from error
