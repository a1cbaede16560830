"""From JSON records to one Arrow table with declared columns: a lost key or a changed type fails by name, never as a null."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.domain.catalogue.column import MOST_DIGITS
from oso_dagster.domain.catalogue.source import Column, ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

Keys = Mapping[str, tuple[str, ...]]
"""Where a column stands in a record, when not under its own name: `{"amount": ("amount", "valueInCents")}`."""


_MOST_WHOLE = 2**63
_DIGITS_OF_A_DOUBLE = 15
"""Significant digits that a JSON number with a point keeps on its way through a double."""


class _UnfitError(Exception):
    """A number of the right kind that the declared type does not hold; says what of it does not fit."""


def table_of_records(columns: Sequence[Column], records: Iterable[Any], keys: Keys | None = None) -> pa.Table:
    """The records as rows. Every key must be there; null is taken where the column is nullable. Raises AnswerError."""
    from oso_dagster.connectors.arrow import table_of  # noqa: PLC0415  (Arrow loads when used)

    rows = list(records)
    paths = {column.name: (keys or {}).get(column.name, (column.name,)) for column in columns}
    return table_of(columns, {column.name: _values(column, paths[column.name], rows) for column in columns})


def _values(column: Column, path: tuple[str, ...], rows: list[Any]) -> list[Any]:
    read, values = _reader(column), []
    for number, record in enumerate(rows):
        value = record
        for depth, key in enumerate(path):
            if not isinstance(value, Mapping) or key not in value:
                raise AnswerError(f"record {number:,} has no {'.'.join(path[: depth + 1])!r}, which column {column.name} needs")
            value = value[key]
            if value is None:
                break
        try:
            values.append(None if value is None and column.nullable else read(value))
        except _UnfitError as unfit:
            what = f"{value!r}"[:60]
            words = f"{what}, which is no {column.type_name}: {unfit}; declare a type that holds it"
            raise AnswerError(f"record {number:,}: {'.'.join(path)} is {words}") from None
        except (ValueError, TypeError, ArithmeticError, OSError):  # the last: a time beyond what the system counts
            what = f"{value!r}"[:60]
            raise AnswerError(
                f"record {number:,}: {'.'.join(path)} is {what}, which is no {column.type_name}; its type has changed"
            ) from None
    return values


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(value)
    return [_text(entry) for entry in value]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    if not -_MOST_WHOLE <= value < _MOST_WHOLE:
        raise _UnfitError("it is beyond the range")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value)[:10])


def _instant(value: Any) -> datetime:
    """ISO 8601, taken for UTC where it has no zone, or seconds since 1970."""
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return datetime.fromtimestamp(_number(value), UTC)


def _exact(value: Any, precision: int, scale: int) -> Decimal:
    """A whole number, a number as text, or, where the column has digits behind the point, a JSON number with few digits."""
    if isinstance(value, bool) or not isinstance(value, int | str | float) or (isinstance(value, float) and not scale):
        raise TypeError(value)
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise ValueError(value)
    if number.copy_abs() >= Decimal(10) ** (precision - scale):
        raise _UnfitError("it has more digits before the point")
    if isinstance(value, float) and len(number.as_tuple().digits) > _DIGITS_OF_A_DOUBLE:
        raise _UnfitError(f"a JSON number of more than {_DIGITS_OF_A_DOUBLE} digits is not exact")
    with localcontext(prec=MOST_DIGITS * 2):
        fitted = number.quantize(Decimal(1).scaleb(-scale))
    if fitted != number:
        raise _UnfitError("it has more digits behind the point")
    return fitted


def _json(value: Any) -> str:
    if value is None:
        raise TypeError(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _reader(column: Column) -> Callable[[Any], Any]:
    if column.type is ColumnType.DECIMAL:
        precision, scale = column.digits
        return lambda value: _exact(value, precision, scale)
    return _READERS[column.type]


_READERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.VARCHAR: _text,
    ColumnType.VARCHARS: _texts,
    ColumnType.BIGINT: _whole,
    ColumnType.DOUBLE: _number,
    ColumnType.BOOLEAN: _truth,
    ColumnType.DATE: _day,
    ColumnType.TIMESTAMP: _instant,
    ColumnType.JSON: _json,
}


def version_of(*tables: pa.Table) -> str:
    """A name for exactly these rows, for an upstream that names no version of its own."""
    digest = sha256()
    for table in tables:
        for batch in table.combine_chunks().to_batches():
            for line in batch.to_pylist():
                digest.update(repr(line).encode())
    return f"sha256:{digest.hexdigest()}"
