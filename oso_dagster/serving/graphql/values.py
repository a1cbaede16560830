"""Values of columns as GraphQL gives and takes them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ariadne import ScalarType


def kept(value: Any) -> Any:
    """A value of Arrow as a cursor keeps it: like `plain`, but NaN and the infinities, which have a place in an order, stay."""
    return value if isinstance(value, float) else plain(value)


def plain(value: Any) -> Any:
    """A value of Arrow as JSON has it: instants in UTC, NaN and the infinities as null, what JSON does not know as text."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
        case date() | Decimal():
            return str(value)
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _whole(value: Any) -> int:
    number = int(str(value))
    if not -(2**63) <= number < 2**63:
        raise ValueError("a whole number of 64 bits is wanted")
    return number


def _exact(value: Any) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("a decimal number is wanted, as text") from None
    if not number.is_finite():
        raise ValueError("a decimal number is wanted, as text")
    return str(number)


def _day(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a day is wanted, as text")  # noqa: TRY004  (what the request has wrong, not the program)
    return date.fromisoformat(value).isoformat()


def _instant(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("an instant is wanted, as text")  # noqa: TRY004  (see above)
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def scalars() -> list[ScalarType]:
    """The scalars of the schema; one that is not of its kind is an error of the request."""
    kinds = {"BigInt": _whole, "Decimal": _exact, "Date": _day, "DateTime": _instant}
    parsed = [ScalarType(name, serializer=plain, value_parser=parse) for name, parse in kinds.items()]
    return [*parsed, ScalarType("JSON", serializer=plain)]
