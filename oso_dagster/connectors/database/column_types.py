"""What a table of a database is declared to be, and which of the database's types may stand for each declared one.

Types go by PostgreSQL's names, whatever the engine. Asking a database is `database`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from oso_dagster.domain.catalogue.source import Column, ColumnType

WHOLE = frozenset({"smallint", "integer", "bigint"})
TEXTS = frozenset({"text", "character varying", "character", "uuid", "numeric", "enum"})
TIMES = frozenset({"timestamp without time zone", "timestamp with time zone"})
LISTS = frozenset({"text[]", "character varying[]", "integer[]"})

ACCEPTED: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.VARCHAR: TEXTS,
    ColumnType.VARCHARS: LISTS,
    ColumnType.BIGINT: WHOLE,
    ColumnType.DOUBLE: frozenset({"double precision", "real", "numeric"}) | WHOLE,
    ColumnType.DECIMAL: frozenset({"numeric"}) | WHOLE,
    ColumnType.BOOLEAN: frozenset({"boolean"}),
    ColumnType.DATE: frozenset({"date"}),
    ColumnType.TIMESTAMP: TIMES,
    ColumnType.JSON: frozenset({"json", "jsonb"}),
}
"""For each declared type: the database's types that may stand for it."""

_OPENED = (
    (ColumnType.BIGINT, WHOLE),
    (ColumnType.DOUBLE, frozenset({"double precision", "real"})),
    (ColumnType.VARCHAR, TEXTS),
    (ColumnType.VARCHARS, LISTS),
    (ColumnType.BOOLEAN, ACCEPTED[ColumnType.BOOLEAN]),
    (ColumnType.DATE, ACCEPTED[ColumnType.DATE]),
    (ColumnType.TIMESTAMP, TIMES),
    (ColumnType.JSON, ACCEPTED[ColumnType.JSON]),
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


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


def quoted(name: str) -> str:
    """A name as standard SQL quotes it.

    >>> quoted("theKey")
    '"theKey"'
    """
    return '"' + name.replace('"', '""') + '"'


def opened(upstream: str, kind: str) -> Field | None:
    """A column that nobody declared, as it arrives: in snake_case, exact numbers as text; None for a name or type that cannot."""
    name = _HUMP.sub("_", upstream).lower()
    type_ = next((declared for declared, kinds in _OPENED if kind in kinds), None)
    return Field(upstream, Column(name, type_, "Not declared yet")) if type_ and _NAME.match(name) else None
