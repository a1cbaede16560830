"""Reads the lakehouse with DuckDB alone, no Trino: what a query names is brought into memory as it is asked for.

The pointers to the tables' metadata are read once, so that all queries of one reader see one moment.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import duckdb
import sqlglot
from pyiceberg.table import StaticTable
from sqlglot import exp

from oso_dagster.warehouse.ddl import quoted
from oso_dagster.warehouse.lakehouse import bench
from oso_dagster.warehouse.lakehouse.catalogue import NAME, LakeCatalogue

_LISTS = frozenset({"information_schema", "duckdb_tables", "duckdb_columns"})


class LakeReader:
    """A connection with `execute(sql, parameters)`, in DuckDB's SQL, on the tables and views of the catalogue."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalogue: LakeCatalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._entries = catalogue.entries()
        self._there: set[tuple[str, str]] = set()
        connection.execute(f"ATTACH ':memory:' AS {NAME}")
        connection.execute(f"USE {NAME}")
        connection.execute("SET TimeZone = 'UTC'")

    def execute(self, query: str, parameters: Any = None) -> duckdb.DuckDBPyConnection:
        """Run a query; what it names is there. Raises what DuckDB raises."""
        for schema, name in self._named(query):
            self._bring(schema, name)
        return self._connection.execute(query, parameters)

    def put_rows(self, name: str, rows: Any) -> None:
        """Have the table `schema.name` hold these Arrow rows, whatever the catalogue says of it."""
        schema, _, table = name.partition(".")
        self._there.add((schema, table))
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {NAME}.{quoted(schema)}")
        self._connection.register("given_rows", rows)
        self._connection.execute(f"CREATE TABLE {NAME}.{quoted(schema)}.{quoted(table)} AS FROM given_rows")
        self._connection.unregister("given_rows")

    def tables(self) -> list[tuple[str, str]]:
        """All tables and views, by schema and name."""
        return sorted(self._entries)

    def _named(self, query: str) -> list[tuple[str, str]]:
        """The tables of the catalogue that a query names; all where it asks for lists of them."""
        if any(word in query.lower() for word in _LISTS):
            return self.tables()
        try:
            statements = sqlglot.parse(query, read="duckdb")
        except sqlglot.errors.SqlglotError:
            return []  # DuckDB says what is wrong with it
        return [
            (table.db, table.name)
            for statement in statements
            if statement is not None
            for table in statement.find_all(exp.Table)
            if (table.db, table.name) in self._entries
        ]

    def _bring(self, schema: str, name: str) -> None:
        if (schema, name) in self._there:
            return
        self._there.add((schema, name))
        location, is_view = self._entries[schema, name]
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {NAME}.{quoted(schema)}")
        if not is_view:
            bench.put(self._connection, StaticTable.from_metadata(location, self._catalogue.properties), schema, name)
            return
        query = sqlglot.parse_one(self._view(location), read="trino")
        for table in query.find_all(exp.Table):
            if (table.db, table.name) in self._entries:
                self._bring(table.db, table.name)
        target = f"{NAME}.{quoted(schema)}.{quoted(name)}"
        self._connection.execute(f"CREATE VIEW {target} AS {query.sql(dialect='duckdb')}")

    def _view(self, location: str) -> str:
        """The SQL of a view of Trino's, from its metadata."""
        with self._catalogue._load_file_io(location=location).new_input(location).open() as file:  # noqa: SLF001  (no other way)
            content = file.read()
        metadata = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
        current = next(each for each in metadata["versions"] if each["version-id"] == metadata["current-version-id"])
        return str(current["representations"][0]["sql"])
