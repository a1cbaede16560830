"""PostgreSQL: inspected with psycopg, which reports a refused login at once; read with connectorx, the fastest way to Arrow.

connectorx knows the bare form of an address. One with options that only libpq has (a checked certificate, `options`, a socket of
this machine, a pooler) is read by psycopg, with the same query and the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC

import connectorx
import pyarrow as pa
from sqlalchemy import URL, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from oso_dagster.connectors.database import libpq_rows, postgres_address
from oso_dagster.connectors.database.column_types import Changes, DatabaseError, Field, quoted
from oso_dagster.domain.catalogue.source import ColumnType
from oso_dagster.domain.redaction import redact

_READ_AS: Mapping[ColumnType, str] = {
    ColumnType.VARCHAR: "text",
    ColumnType.VARCHARS: "text[]",
    ColumnType.BIGINT: "bigint",
    ColumnType.DOUBLE: "double precision",
    ColumnType.DECIMAL: "text",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
    ColumnType.JSON: "text",
}
_CONNECT_SECONDS = "20"
READ_TIMEOUT = "SET statement_timeout = '3600s'"
"""How long the database may work at one statement: it ends it by itself, so that nobody waits for ever for a lock there."""
_LOOK = """
SELECT a.attname::text AS name, CASE WHEN t.typtype = 'e' THEN 'enum' ELSE format_type(a.atttypid, NULL) END AS kind
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped"""
SESSION = [
    "SET TIME ZONE 'UTC'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    READ_TIMEOUT,
]
"""Times with a zone are read as UTC; times without one are taken to be."""


def columns(address: URL, table: str) -> dict[str, str]:
    """Type by column; none where there is no such table. Raises DatabaseError."""
    try:
        with _engine(address).connect() as connection:
            connection.execute(text(f"SET LOCAL statement_timeout = '{_CONNECT_SECONDS}s'"))
            rows = connection.execute(text(_LOOK), {"name": _named(address, table)})
            return {row.name: row.kind for row in rows}
    except SQLAlchemyError as error:
        raise _error_of(table, str(getattr(error, "orig", None) or error), address) from None


def read(address: URL, table: str, fields: Sequence[Field], changes: Changes | None) -> pa.Table:
    """The fields under their declared names, each cast to its declared type by the database. Raises DatabaseError."""
    bare = postgres_address.is_bare(address)
    expression = _expression if bare else libpq_rows.expression
    selected = ", ".join(f"{expression(field)} AS {quoted(field.column.name)}" for field in fields)
    query = f"SELECT {selected} FROM {_named(address, table)}"  # noqa: S608  (quoted identifiers)
    if changes is not None:  # connectorx binds no parameters; this one is a time of ours, written by us
        since = changes.since.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        query += " WHERE " + " OR ".join(f"{quoted(name)} >= timestamp '{since}'" for name in changes.columns)
    try:
        if not bare:
            return libpq_rows.read(_engine(address), query, fields)
        plain = postgres_address.of_libpq(address).set(drivername="postgresql").render_as_string(hide_password=False)
        return connectorx.read_sql(plain, query, return_type="arrow", pre_execution_query=SESSION)
    except BaseException as error:
        # connectorx is written in Rust: what it did not expect comes as a panic, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _error_of(table, str(error), address) from None


def _error_of(table: str, words: str, address: URL) -> DatabaseError:
    secrets = [str(address.password)] if address.password else []
    return DatabaseError(f"{table}: the database cannot be read: {redact(' '.join(words.split()), secrets)}")


def _engine(address: URL) -> Engine:
    plain = postgres_address.of_libpq(address).set(drivername="postgresql+psycopg2")
    if "connect_timeout" not in plain.query:
        plain = plain.update_query_dict({"connect_timeout": _CONNECT_SECONDS})
    return create_engine(plain, poolclass=NullPool)


def _named(address: URL, table: str) -> str:
    """The table as a query names it: in the schema that the address names, else where the session looks."""
    schema = postgres_address.schema_of(address)
    return f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)


def _expression(field: Field) -> str:
    return f"{quoted(field.upstream)}::{_READ_AS[field.column.type]}"
