"""Columns of landed tables, and tables that are nested in others: frozen values that refuse to be built wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


class ColumnType(StrEnum):
    """The closed set of column types, in Trino's words; every warehouse maps all of them."""

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
    """One column of a landed table: name (snake_case), type, meaning; `nullable` is held by a check before publication."""

    name: str
    type: ColumnType
    description: str
    nullable: bool = True

    def __post_init__(self) -> None:
        _require(_IDENTIFIER.match(self.name) is not None, f"column {self.name!r}: lower-case snake_case only")
        _require(bool(self.description), f"column {self.name!r}: a description is missing")


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
        _require(_IDENTIFIER.match(self.suffix) is not None, f"child {self.suffix!r}: lower-case snake_case only")
        check_columns(f"child {self.suffix!r}", self.columns, self.primary_key)


def check_columns(where: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> None:
    """Refuse, with ValueError, columns that are none or share a name, and a key that is none of them."""
    names = [column.name for column in columns]
    _require(bool(names), f"{where}: no columns")
    _require(len(set(names)) == len(names), f"{where}: two columns share a name")
    missing = [name for name in key if name not in names]
    _require(bool(key) and not missing, f"{where}: primary key {key} is empty or names no column: {missing}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
