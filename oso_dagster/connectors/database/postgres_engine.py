"""PostgreSQL: looked at with psycopg, which tells a refused login at once; read with connectorx, the fastest way to Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC

import connectorx
import pyarrow as pa
from sqlalchemy import URL, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from oso_dagster.connectors.database.column_types import Changes, DatabaseError, Field
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
_CONNECT_SECONDS = 20
_LOOK = """
SELECT a.attname::text AS name, CASE WHEN t.typtype = 'e' THEN 'enum' ELSE format_type(a.atttypid, NULL) END AS kind
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped"""
_SESSION = ["SET TIME ZONE 'UTC'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"]
"""Times with a zone are read as UTC; times without one are taken to be."""


def columns(address: URL, table: str) -> dict[str, str]:
    """Type by column; none where there is no such table. Raises DatabaseError."""
    engine = create_engine(
        address.set(drivername="postgresql+psycopg2"), poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_SECONDS}
    )
    try:
        with engine.connect() as connection:
            return {row.name: row.kind for row in connection.execute(text(_LOOK), {"name": _quoted(table)})}
    except SQLAlchemyError as error:
        raise _error_of(table, str(getattr(error, "orig", None) or error), address) from None


def read(address: URL, table: str, fields: Sequence[Field], changes: Changes | None) -> pa.Table:
    """The fields under their declared names, each cast to its declared type by the database. Raises DatabaseError."""
    query = f"SELECT {', '.join(map(_expression, fields))} FROM {_quoted(table)}"  # noqa: S608  (quoted identifiers)
    if changes is not None:  # connectorx binds no parameters; this one is a time of ours, written by us
        since = changes.since.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        query += " WHERE " + " OR ".join(f"{_quoted(name)} >= timestamp '{since}'" for name in changes.columns)
    # connectorx knows the bare form of the address only.
    bare = address.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return connectorx.read_sql(bare, query, return_type="arrow", pre_execution_query=_SESSION)
    except BaseException as error:
        # connectorx is written in Rust: what it did not expect comes as a panic, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _error_of(table, str(error), address) from None


def _error_of(table: str, words: str, address: URL) -> DatabaseError:
    secrets = [str(address.password)] if address.password else []
    return DatabaseError(f"{table}: the database cannot be read: {redact(' '.join(words.split()), secrets)}")


def _expression(field: Field) -> str:
    return f"{_quoted(field.upstream)}::{_READ_AS[field.column.type]} AS {_quoted(field.column.name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
