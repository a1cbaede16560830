"""Every engine that SQLAlchemy knows: its reflection says what a table looks like, its dialect quotes, times are parameters.

Slower than connectorx, which reads other engines than PostgreSQL by the first value that it meets: there a column that begins
with a null is an error. Values become Arrow a batch at a time. A driver that is not installed is an error that names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from oso_dagster.connectors.arrow import table_of
from oso_dagster.connectors.database.column_types import Changes, DatabaseError, Field
from oso_dagster.domain.catalogue.source import ColumnType
from oso_dagster.domain.redaction import redact

ALSO: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.VARCHARS: frozenset({"json", "text", "character varying"}),
    ColumnType.JSON: frozenset({"text", "character varying"}),
    ColumnType.DECIMAL: frozenset({"text", "character varying"}),
    ColumnType.BOOLEAN: frozenset({"smallint"}),
}
"""What stands for a declared type where the engine has none of its own: lists and JSON as text, exact numbers as text."""

_KINDS: Sequence[tuple[type[sa.types.TypeEngine[Any]], str]] = (
    (sa.Boolean, "boolean"),
    (sa.SmallInteger, "smallint"),
    (sa.BigInteger, "bigint"),
    (sa.Integer, "integer"),
    (sa.Float, "double precision"),
    (sa.Numeric, "numeric"),
    (sa.Enum, "enum"),
    (sa.Uuid, "uuid"),
    (sa.JSON, "json"),
    (sa.Text, "text"),
    (sa.String, "character varying"),
    (sa.DateTime, "timestamp without time zone"),
    (sa.Date, "date"),
)
_BATCH = 50_000
_SLACK = timedelta(seconds=1)
"""Some engines keep times as text, in which a second without a fraction comes before the same one with a fraction."""


def columns(address: sa.URL, table: str) -> dict[str, str]:
    """Type by column, in PostgreSQL's words; none where there is no such table. Raises DatabaseError."""
    with _connected(address, table) as connection:
        try:
            return {column["name"]: _kind(column["type"]) for column in sa.inspect(connection).get_columns(table)}
        except NoSuchTableError:
            return {}


def read(address: sa.URL, table: str, fields: Sequence[Field], changes: Changes | None) -> pa.Table:
    """The fields under their declared names. Raises DatabaseError."""
    declared = [field.column for field in fields]
    with _connected(address, table) as connection:
        there = sa.Table(table, sa.MetaData(), autoload_with=connection, resolve_fks=False)
        wanted = sa.select(*(_expression(there.c[field.upstream], field) for field in fields))
        if changes is not None:
            since = changes.since.astimezone(UTC) - _SLACK
            wanted = wanted.where(sa.or_(*(there.c[name] >= _moment(there.c[name], since) for name in changes.columns)))
        result = connection.execution_options(stream_results=True).execute(wanted)
        batches = [_batch(table, fields, rows) for rows in result.partitions(_BATCH)]
        return pa.concat_tables(batches) if batches else table_of(declared, {column.name: [] for column in declared})


def _batch(table: str, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> pa.Table:
    values = zip(*rows, strict=True)
    try:
        read_ = {field.column.name: _values(field, column) for field, column in zip(fields, values, strict=True)}
        return table_of([field.column for field in fields], read_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError, ArithmeticError) as error:
        raise DatabaseError(f"{table}: a value does not fit its declared type: {error}") from None


def _values(field: Field, values: Sequence[Any]) -> list[Any]:
    convert = _CONVERT[field.column.type]
    return [None if value is None else convert(value) for value in values]


@contextmanager
def _connected(address: sa.URL, table: str) -> Iterator[sa.Connection]:
    """A connection that only reads. Raises DatabaseError, also for what goes wrong inside the block."""
    try:
        with sa.create_engine(_read_only(address), poolclass=sa.NullPool).connect() as connection:
            yield connection
    except NoSuchModuleError:
        raise DatabaseError(f"{table}: SQLAlchemy knows no engine {address.drivername!r}; is its package installed?") from None
    except ModuleNotFoundError as error:
        raise DatabaseError(f"{table}: the driver {error.name!r} of {address.drivername} is not installed") from None
    except SQLAlchemyError as error:
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        secrets = [str(address.password)] if address.password else []
        raise DatabaseError(f"{table}: the database cannot be read: {redact(words, secrets)}") from None


def _read_only(address: sa.URL) -> sa.URL:
    """A SQLite file is opened read-only: a wrong path would make a new, empty one. Other engines have the user's rights."""
    path = address.database or ""
    if address.get_backend_name() != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return address
    return address.set(database=f"file:{quote(path)}").update_query_dict({"mode": "ro", "uri": "true"})


def _expression(column: sa.Column[Any], field: Field) -> sa.ColumnElement[Any]:
    """JSON is taken as it is written: read and written again, a text in it could not be distinguished from JSON."""
    written = sa.type_coerce(column, sa.Text) if isinstance(column.type, sa.JSON) else column
    return written.label(field.column.name)


def _kind(type_: sa.types.TypeEngine[Any]) -> str:
    if isinstance(type_, sa.DateTime) and type_.timezone:
        return "timestamp with time zone"
    if isinstance(type_, sa.ARRAY):
        return f"{_kind(type_.item_type)}[]"
    return next((kind for generic, kind in _KINDS if isinstance(type_, generic)), str(type_).lower())


def _moment(column: sa.Column[Any], at: datetime) -> datetime:
    return at if _kind(column.type) != "timestamp without time zone" else at.replace(tzinfo=None)


def _text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _list(value: Any) -> list[str | None]:
    entries = json.loads(value) if isinstance(value, str) else value
    if not isinstance(entries, list):
        raise TypeError(f"{entries!r} is no list"[:80])
    return [None if entry is None else str(entry) for entry in entries]


def _whole(value: Any) -> int:
    if int(value) != value:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _truth(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither true nor false")
    return bool(value)


def _instant(value: Any) -> datetime:
    """A time without a zone is taken to be in UTC; a date is its midnight."""
    at = value if isinstance(value, datetime) else datetime.combine(_day(value), datetime.min.time())
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no date")
    return value


_CONVERT: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.VARCHAR: _text,
    ColumnType.VARCHARS: _list,
    ColumnType.BIGINT: _whole,
    ColumnType.DOUBLE: float,
    ColumnType.DECIMAL: lambda value: Decimal(_text(value)),
    ColumnType.BOOLEAN: _truth,
    ColumnType.DATE: _day,
    ColumnType.TIMESTAMP: _instant,
    ColumnType.JSON: lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True),
}
