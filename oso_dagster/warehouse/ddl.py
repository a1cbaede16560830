"""DuckDB's SQL for declared tables: types, quoting, creation, comments, and what is there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import duckdb

from oso_dagster.domain.catalogue.source import Column, ColumnType

_TYPES: Mapping[ColumnType, str] = {
    ColumnType.VARCHAR: "VARCHAR",
    ColumnType.VARCHARS: "VARCHAR[]",
    ColumnType.BIGINT: "BIGINT",
    ColumnType.DOUBLE: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.JSON: "JSON",
}


def duckdb_type(column: Column) -> str:
    """DuckDB's name of a column's declared type."""
    return column.type_name.upper() if column.type is ColumnType.DECIMAL else _TYPES[column.type]


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those of the tables `names` of a schema (of the current database, or `database.schema`) that there are.

    By name, with DuckDB's type of each column. One by one, since DuckDB reads its whole catalogue for every query of the list.
    """
    where = ".".join(map(quoted, schema.split(".")))
    columns_by_table: dict[str, dict[str, str]] = {}
    for name in names:
        with suppress(duckdb.CatalogException):
            rows = connection.execute(f"DESCRIBE {where}.{quoted(name)}").fetchall()
            columns_by_table[name] = {column: kind for column, kind, *_ in rows}
    return columns_by_table


def create(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column]) -> None:
    """Create the table `name` (quoted). Fails when it exists."""
    body = ", ".join(f"{quoted(column.name)} {duckdb_type(column)}" for column in columns)
    connection.execute(f"CREATE TABLE {name} ({body})")


def describe(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    description: str,
    columns: Iterable[Column],
    current: Mapping[str, str | None],
) -> None:
    """Set the comments of the table `name` (quoted) and of these columns where they differ from `current` ("": the table's)."""
    if current.get("") != description:
        connection.execute(f"COMMENT ON TABLE {name} IS {literal(description)}")
    for column in columns:
        if current.get(column.name) != column.description:
            connection.execute(f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.description)}")


def comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str | None]]:
    """The comments of all tables of the current database, by schema and table; each by column, the table's own under ""."""
    by_table: dict[tuple[str, str], dict[str, str | None]] = {}
    here = "WHERE database_name = current_database()"
    for what in ("'' AS column_name, comment FROM duckdb_tables()", "column_name, comment FROM duckdb_columns()"):
        for schema, table, column, comment in connection.execute(f"SELECT schema_name, table_name, {what} {here}").fetchall():
            by_table.setdefault((schema, table), {})[column] = comment
    return by_table
