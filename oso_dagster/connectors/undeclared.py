"""Fields of records that nobody declared: plain values arrive, as text, under the name of a column; nested ones are reported.

What is left out on purpose is part of what is known: by name, or by a pattern for names that come in families (`…_url`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from oso_dagster.connectors.records import Keys, table_of_records
from oso_dagster.domain.catalogue.source import Column

if TYPE_CHECKING:
    import pyarrow as pa

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COLUMN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Known:
    """What a record is known to have: names that are declared or left out, and a pattern of whole names that are left out."""

    names: frozenset[str]
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, names: Iterable[str], pattern: str = "") -> Known:
        """From names, and a pattern of whole names."""
        return cls(frozenset(names), re.compile(pattern))

    @classmethod
    def by(cls, columns: Iterable[Column], keys: Keys | None = None, pattern: str = "") -> Known:
        """What declared columns are read from (`records.table_of_records`), and a pattern of whole names that are left out."""
        return cls.of(((keys or {}).get(column.name, (column.name,))[0] for column in columns), pattern)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are not known, sorted."""
        return sorted(name for name in set(names) - self.names if not _matches(self.pattern, name))


@lru_cache(maxsize=4096)
def _matches(pattern: re.Pattern[str], name: str) -> bool:
    """Records by the million have the same few names."""
    return pattern.fullmatch(name) is not None


def column_of(name: str) -> str | None:
    """The column for an upstream name: snake_case; None where that would be no column's name.

    >>> column_of("newName")
    'new_name'
    """
    column = _HUMP.sub("_", name).lower()
    return column if _COLUMN.match(column) else None


def split(records: Sequence[Any], known: Known) -> tuple[dict[str, str], list[str]]:
    """The unknown fields that hold plain values, with the column of each; and the names of all others."""
    there = {key for record in records if isinstance(record, Mapping) for key in record}
    plain: dict[str, str] = {}
    others: list[str] = []
    for name in known.unknown(map(str, there)):
        column = column_of(name)
        nested = any(isinstance(record.get(name), dict | list) for record in records if isinstance(record, Mapping))
        if nested or column is None or column in plain.values():
            others.append(name)
        else:
            plain[name] = column
    return plain, others


def carried(record: Mapping[str, Any], known: Known, columns: Collection[str], unknown: set[str]) -> dict[str, Any]:
    """The unknown plain values of one record, by column, for a row with `columns` that is made of it.

    `unknown` gets the names of all other unknown fields.
    """
    if not record.keys() - known.names:
        return {}
    plain, others = split([record], known)
    unknown.update(others, (name for name, column in plain.items() if column in columns))
    return {column: text(record[name]) for name, column in plain.items() if column not in columns}


def table_with_news(
    columns: Sequence[Column], records: Iterable[Any], keys: Keys | None = None, left_out: str = ""
) -> tuple[pa.Table, list[str]]:
    """The declared columns of records, as `records.table_of_records` reads them, and the plain values that nobody declared.

    Then the names of what else is new. `left_out` is a pattern of whole names that nobody needs.
    """
    listed, unknown = list(records), set[str]()
    rows = beside(table_of_records(columns, listed, keys), listed, Known.by(columns, keys, left_out), unknown)
    return rows, sorted(unknown)


def beside(rows: pa.Table, records: Sequence[Any], known: Known, unknown: set[str]) -> pa.Table:
    """The rows, one for each record, with the plain values that nobody declared; `unknown` gets the names of all others."""
    import pyarrow as pa  # noqa: PLC0415  (Arrow loads when used)

    plain, others = split(records, known)
    for name, column in plain.items():
        if column in rows.column_names:
            others.append(name)
        else:
            rows = rows.append_column(column, pa.array([text(record.get(name)) for record in records], pa.string()))
    unknown.update(others)
    return rows


def text(value: Any) -> str | None:
    """A plain value as text, as JSON writes it."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
