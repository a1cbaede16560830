"""From declared columns to Arrow: one mapping of types, and tables built column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from oso_dagster.domain.catalogue.source import Column, ColumnType

_TYPES: Mapping[ColumnType, pa.DataType] = {
    ColumnType.VARCHAR: pa.string(),
    ColumnType.VARCHARS: pa.list_(pa.string()),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.DOUBLE: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    ColumnType.JSON: pa.string(),
}

_MISFIT = (pa.ArrowException, ValueError, TypeError, ArithmeticError)
_SHOWN = 80


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a declared column; JSON travels as text."""
    return pa.decimal128(*column.digits) if column.type is ColumnType.DECIMAL else _TYPES[column.type]


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of declared columns, in their order."""
    return pa.schema([pa.field(column.name, arrow_type(column)) for column in columns])


def table_of(columns: Sequence[Column], values: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A table from one list of values per column. Raises pyarrow.ArrowInvalid for one that does not fit, by name."""
    schema = schema_of(columns)
    return pa.Table.from_arrays([_array(field, values[field.name]) for field in schema], schema=schema)


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """The values as Arrow. Raises pyarrow.ArrowInvalid that names column, row and value."""
    try:
        return pa.array(values, field.type)
    except _MISFIT as error:
        number, value = next(((n, value) for n, value in enumerate(values) if not _fits(value, field.type)), (None, None))
        place = f"record {number:,} is {value!r}"[:_SHOWN] if number is not None else "a value"
        raise pa.ArrowInvalid(f"column {field.name}: {place}, which is no {field.type} ({error})") from error


def _fits(value: Any, kind: pa.DataType) -> bool:
    try:
        pa.array([value], kind)
    except _MISFIT:
        return False
    return True
