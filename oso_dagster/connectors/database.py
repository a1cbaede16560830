"""Tables of a PostgreSQL database as Arrow: looked at with psycopg, read with connectorx; whole, or what changed since a time.

Only the columns that a source declares are named in a query, quoted and cast to their declared types; what the table really
looks like is asked first, so that a lost column or a changed type is an error by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import connectorx
import pyarrow as pa
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from oso_dagster.connectors.arrow import schema_of
from oso_dagster.domain.redaction import redact
from oso_dagster.domain.source import Column, ColumnType

_TEXTS = frozenset({"text", "character varying", "character", "uuid", "numeric", "enum"})
_WHOLE = frozenset({"smallint", "integer", "bigint"})
_TIMES = frozenset({"timestamp without time zone", "timestamp with time zone"})
_ACCEPTED: Mapping[ColumnType, tuple[frozenset[str], str]] = {
    ColumnType.VARCHAR: (_TEXTS, "text"),
    ColumnType.VARCHARS: (frozenset({"text[]", "character varying[]", "integer[]"}), "text[]"),
    ColumnType.BIGINT: (_WHOLE, "bigint"),
    ColumnType.DOUBLE: (frozenset({"double precision", "real", "numeric"}) | _WHOLE, "double precision"),
    ColumnType.DECIMAL: (frozenset({"numeric"}) | _WHOLE, "text"),
    ColumnType.BOOLEAN: (frozenset({"boolean"}), "boolean"),
    ColumnType.DATE: (frozenset({"date"}), "date"),
    ColumnType.TIMESTAMP: (_TIMES, "timestamp"),
    ColumnType.JSON: (frozenset({"json", "jsonb"}), "text"),
}
"""For each declared type: the database's types that may stand for it, and the one it is read as."""

_CONNECT_SECONDS = 20
_LOOK = """
SELECT a.attname::text AS name, CASE WHEN t.typtype = 'e' THEN 'enum' ELSE format_type(a.atttypid, NULL) END AS kind
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped"""


class DatabaseError(Exception):
    """The database cannot be read as declared; the message says what differs, and holds no credentials."""


@dataclass(frozen=True)
class Field:
    """A column as the database calls it, and as it is declared here; `also` are more of its types that may stand for it."""

    upstream: str
    column: Column
    also: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Changes:
    """Rows of which any of `columns` (the database's names) is at or after `since`."""

    columns: tuple[str, ...]
    since: datetime


def unknown_columns(url: str, table: str, fields: Sequence[Field], left_out: Sequence[str] = ()) -> list[str]:
    """The columns that upstream has and nobody declared, `left_out` excepted. Raises DatabaseError for lost or changed ones."""
    there = _look(url, table)
    if not there:
        raise DatabaseError(f"{table}: no such table for this user. Check the address, the schema and the grants")
    lost = [field.upstream for field in fields if field.upstream not in there]
    if lost:
        raise DatabaseError(f"{table}: columns were lost upstream: {', '.join(lost)}. Follow the change in the declared columns")
    changed = [
        f"{field.upstream} is {there[field.upstream]}, {field.column.type.value} is declared"
        for field in fields
        if there[field.upstream] not in _ACCEPTED[field.column.type][0] | field.also
    ]
    if changed:
        raise DatabaseError(f"{table}: columns have changed their type: {'; '.join(changed)}")
    return sorted(there.keys() - {field.upstream for field in fields} - set(left_out))


def read(url: str, table: str, fields: Sequence[Field], changes: Changes | None = None) -> pa.Table:
    """The declared columns of all rows, or of those that `changes` names, with the declared names and types."""
    query = f"SELECT {', '.join(map(_expression, fields))} FROM {_quoted(table)}"  # noqa: S608  (quoted identifiers)
    if changes is not None:
        since = _literal(changes.since.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" "))
        query += " WHERE " + " OR ".join(f"{_quoted(name)} >= timestamp {since}" for name in changes.columns)
    return _typed(_ask(url, query, table), fields, table)


def digest(*tables: pa.Table) -> str:
    """A name for exactly these rows in this order."""
    said = sha256()
    for table in tables:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        said.update(sink.getvalue())
    return said.hexdigest()[:16]


def _expression(field: Field) -> str:
    name = _quoted(field.upstream)
    return f"{name}::{_ACCEPTED[field.column.type][1]} AS {_quoted(field.column.name)}"


def _typed(rows: pa.Table, fields: Sequence[Field], table: str) -> pa.Table:
    schema = schema_of([field.column for field in fields])
    try:
        columns = [rows[field.name].cast(field.type) for field in schema]
    except pa.ArrowInvalid as error:
        raise DatabaseError(f"{table}: a value does not fit its declared type: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema)


def _look(url: str, table: str) -> dict[str, str]:
    """Type by column, asked with psycopg: a refused login is told at once, where connectorx tries for half a minute."""
    address = make_url(_bare(url)).set(drivername="postgresql+psycopg2")
    engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_SECONDS})
    try:
        with engine.connect() as connection:
            return {row.name: row.kind for row in connection.execute(text(_LOOK), {"name": _quoted(table)})}
    except SQLAlchemyError as error:
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        raise DatabaseError(f"{table}: the database cannot be read: {_plain(words, address.password)}") from None


def _plain(words: str, password: object) -> str:
    return redact(words, [str(password)] if password else [])


def _ask(url: str, query: str, table: str) -> pa.Table:
    address = _bare(url)
    try:
        # The session is in UTC, so that times with a zone are read as UTC; times without one are taken to be.
        return connectorx.read_sql(address, query, return_type="arrow", pre_execution_query="SET TIME ZONE 'UTC'")
    except BaseException as error:
        # connectorx is written in Rust: what it did not expect comes as a panic, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        words = _plain(str(error), make_url(address).password)
        raise DatabaseError(f"{table}: the database cannot be read: {words}") from None


def _bare(url: str) -> str:
    """Any SQLAlchemy spelling of a PostgreSQL address in the form connectorx knows. Never shows the address in an error."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError("the address is no SQLAlchemy URL such as postgresql://user:password@host/database") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise DatabaseError(f"the address is of {parsed.get_backend_name()}: only postgresql:// is read")
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
