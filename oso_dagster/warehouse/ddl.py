"""DuckDB's words for declared tables: types, quoting, creation, comments, and what is there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import duckdb

from oso_dagster.domain.source import Column, ColumnType

_TYPES: Mapping[ColumnType, str] = {
    ColumnType.VARCHAR: "VARCHAR",
    ColumnType.VARCHARS: "VARCHAR[]",
    ColumnType.BIGINT: "BIGINT",
    ColumnType.DOUBLE: "DOUBLE",
    ColumnType.DECIMAL: "DECIMAL(38,0)",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.JSON: "JSON",
}


def duckdb_type(column_type: ColumnType) -> str:
    """DuckDB's name of a declared type."""
    return _TYPES[column_type]


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those of the tables `names` of a schema (of the current database, or `database.schema`) that there are.

    By name, with DuckDB's type of each column. One by one, since DuckDB reads its whole catalogue at each look into the list.
    """
    where = ".".join(map(quoted, schema.split(".")))
    found: dict[str, dict[str, str]] = {}
    for name in names:
        with suppress(duckdb.CatalogException):
            rows = connection.execute(f"DESCRIBE {where}.{quoted(name)}").fetchall()
            found[name] = {column: kind for column, kind, *_ in rows}
    return found


def create(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column]) -> None:
    """Create the table `name` (quoted). Fails when it exists."""
    body = ", ".join(f"{quoted(column.name)} {duckdb_type(column.type)}" for column in columns)
    connection.execute(f"CREATE TABLE {name} ({body})")


def describe(connection: duckdb.DuckDBPyConnection, schema: str, table: str, description: str, columns: Sequence[Column]) -> None:
    """Bring the comments of a table and of its declared columns up to date; those that are right are left alone."""
    name = f"{quoted(schema)}.{quoted(table)}"
    about, told = _comments(connection, schema, table)
    if about != description:
        connection.execute(f"COMMENT ON TABLE {name} IS {literal(description)}")
    for column in columns:
        if column.name in told and told[column.name] != column.description:
            connection.execute(f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.description)}")


def _comments(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[str | None, dict[str, str | None]]:
    """The comment of a table of the current database, and those of its columns."""
    where = "database_name = current_database() AND schema_name = ? AND table_name = ?"
    about = connection.execute(f"SELECT comment FROM duckdb_tables() WHERE {where}", [schema, table]).fetchone()
    columns = connection.execute(f"SELECT column_name, comment FROM duckdb_columns() WHERE {where}", [schema, table]).fetchall()
    return (about[0] if about else None), dict(columns)
