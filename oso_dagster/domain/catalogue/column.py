"""Columns of landed tables, and tables that are nested in others: frozen values that refuse to be built wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_DIGITS = 38
"""Digits that an exact number may have, in every warehouse."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


class ColumnType(StrEnum):
    """The closed set of column types, in Trino's words; every warehouse maps all of them. A DECIMAL may have its own digits."""

    VARCHAR = "varchar"
    VARCHARS = "array(varchar)"
    BIGINT = "bigint"
    DOUBLE = "double"
    DECIMAL = "decimal(38,0)"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp(6) with time zone"
    JSON = "json"


@dataclass(frozen=True)
class Column:
    """One column of a landed table: name (snake_case), type, meaning; `nullable` is held by a check before publication.

    A DECIMAL has `precision` digits, `scale` of them behind the point: DECIMAL(38,0) unless it says so.
    """

    name: str
    type: ColumnType
    description: str
    nullable: bool = True
    precision: int | None = None
    scale: int = 0

    def __post_init__(self) -> None:
        require(_IDENTIFIER.match(self.name) is not None, f"column {self.name!r}: lower-case snake_case only")
        require(bool(self.description), f"column {self.name!r}: a description is missing")
        plain = self.precision is None and not self.scale
        require(plain or self.type is ColumnType.DECIMAL, f"column {self.name!r}: precision and scale are a DECIMAL's")
        require(not self.scale or self.precision is not None, f"column {self.name!r}: scale needs a precision")
        fits = self.precision is None or 0 <= self.scale <= self.precision <= MOST_DIGITS
        require(fits, f"column {self.name!r}: DECIMAL({self.precision},{self.scale}): 0 <= scale <= precision <= {MOST_DIGITS}")

    @property
    def digits(self) -> tuple[int, int]:
        """Precision and scale of a DECIMAL."""
        return self.precision or MOST_DIGITS, self.scale

    @property
    def type_name(self) -> str:
        """The type in Trino's words, a DECIMAL with its digits.

        >>> Column("price", ColumnType.DECIMAL, "Price in euro", precision=18, scale=2).type_name
        'decimal(18,2)'
        """
        precision, scale = self.digits
        return f"decimal({precision},{scale})" if self.type is ColumnType.DECIMAL else self.type.value


@dataclass(frozen=True)
class Child:
    """A table that holds one nested array of structs of its parent; lands as `<table>__<suffix>`, in the same transaction.

    `item_column` says which item a row belongs to, where that column is called otherwise than the parent's.
    """

    suffix: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    item_column: str | None = None

    def __post_init__(self) -> None:
        require(_IDENTIFIER.match(self.suffix) is not None, f"child {self.suffix!r}: lower-case snake_case only")
        check_columns(f"child {self.suffix!r}", self.columns, self.primary_key)


def check_columns(where: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> None:
    """Refuse, with ValueError, columns that are none or share a name, and a key that is none of them."""
    names = [column.name for column in columns]
    require(bool(names), f"{where}: no columns")
    require(len(set(names)) == len(names), f"{where}: two columns share a name")
    missing = [name for name in key if name not in names]
    require(bool(key) and not missing, f"{where}: primary key {key} is empty or names no column: {missing}")


def require(condition: bool, message: str) -> None:
    """Raise ValueError with a message where the condition does not hold."""
    if not condition:
        raise ValueError(message)
