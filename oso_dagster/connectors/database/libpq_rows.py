"""Rows of PostgreSQL by libpq, which knows every option of an address: slower than connectorx, the same values.

Times travel as numbers: Python has no infinite one, and psycopg would make the year 9999 of it. Everything happens in one
transaction, so that a pooler which hands out a connection a transaction is no matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

import pyarrow as pa
from psycopg2 import Error as DriverError
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from oso_dagster.connectors.database.column_types import Field, quoted
from oso_dagster.domain.catalogue.source import ColumnType

_BATCH = 20_000
_SECONDS_TO_YEAR_10000 = 253_402_300_800
_DAYS_TO_YEAR_10000 = 2_932_897
_TRANSACTION = "SET TRANSACTION READ ONLY; SET LOCAL TIME ZONE 'UTC'; SET LOCAL statement_timeout = '3600s'"

_MOMENT = (
    "CASE WHEN isfinite({name}) THEN (extract(epoch FROM {name}::timestamp) * 1000000)::bigint "
    f"WHEN {{name}} IS NOT NULL THEN {_SECONDS_TO_YEAR_10000}000000 END"
)
_DAY = f"CASE WHEN isfinite({{name}}) THEN {{name}} - date '1970-01-01' WHEN {{name}} IS NOT NULL THEN {_DAYS_TO_YEAR_10000} END"
_READ_AS: Mapping[ColumnType, tuple[str, pa.DataType]] = {
    ColumnType.VARCHAR: ("{name}::text", pa.string()),
    ColumnType.VARCHARS: ("{name}::text[]", pa.list_(pa.string())),
    ColumnType.BIGINT: ("{name}::bigint", pa.int64()),
    ColumnType.DOUBLE: ("{name}::double precision", pa.float64()),
    ColumnType.DECIMAL: ("{name}::text", pa.string()),
    ColumnType.BOOLEAN: ("{name}::boolean", pa.bool_()),
    ColumnType.DATE: (
        _DAY,
        pa.int32(),
    ),
    ColumnType.TIMESTAMP: (_MOMENT, pa.int64()),
    ColumnType.JSON: ("{name}::text", pa.string()),
}
_THEN: Mapping[ColumnType, pa.DataType] = {ColumnType.DATE: pa.date32(), ColumnType.TIMESTAMP: pa.timestamp("us")}


def expression(field: Field) -> str:
    """What is selected for a field."""
    return _READ_AS[field.column.type][0].format(name=quoted(field.upstream))


def read(engine: Engine, query: str, fields: Sequence[Field]) -> pa.Table:
    """The rows of `query`, which selects `expression` of each field. Raises sqlalchemy's OperationalError."""
    schema = pa.schema([pa.field(field.column.name, _READ_AS[field.column.type][1]) for field in fields])
    batches = []
    connection = engine.raw_connection()
    with closing(connection):
        try:
            connection.cursor().execute(_TRANSACTION)
            with connection.driver_connection.cursor(name="oso_rows") as cursor:  # type: ignore[union-attr]
                cursor.itersize = _BATCH
                cursor.execute(query)
                while rows := cursor.fetchmany(_BATCH):
                    columns = zip(*rows, strict=True)
                    arrays = [pa.array(values, kind.type) for kind, values in zip(schema, columns, strict=True)]
                    batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        except DriverError as error:
            raise OperationalError(None, None, error) from error
    table = pa.Table.from_batches(batches, schema)
    arrays = [table[field.column.name].cast(_THEN.get(field.column.type, table[field.column.name].type)) for field in fields]
    return pa.Table.from_arrays(arrays, names=schema.names)
