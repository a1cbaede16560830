"""How a query of a Trino ended, in the classes of the objective, by the error types of Trino's client protocol.

Unexpected is what is ours: an internal, external or resource error, and a user's error that is really the platform's. What a user
got wrong or gave up says nothing of the service and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class QueryOutcome(StrEnum):
    """Good, or unexpected: these count. The others are kept and counted apart."""

    GOOD = "good"
    UNEXPECTED = "unexpected"
    USER_ERROR = "user_error"
    CANCELED = "canceled"
    ABANDONED = "abandoned"

    @property
    def counts(self) -> bool:
        """Whether it is valid in the indicator."""
        return self in (QueryOutcome.GOOD, QueryOutcome.UNEXPECTED)


@dataclass(frozen=True)
class QueryEnd:
    """The end of one query, as an event listener reports it. `error` and its `type` are empty for a query that succeeded."""

    query_id: str
    at: datetime
    user: str
    error: str = ""
    type: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        if not self.query_id:
            raise ValueError("a query without an id cannot be told from another")
        if self.at.utcoffset() is None:
            raise ValueError("the end of a query needs a time zone")


_OURS = frozenset({"INVALID_VIEW", "VIEW_IS_STALE"})
_APART = {"USER_CANCELED": QueryOutcome.CANCELED, "ABANDONED_QUERY": QueryOutcome.ABANDONED}
_TABLE = re.compile(r"[Tt]able '([^']+)' does not exist")
_SCHEMA = re.compile(r"[Ss]chema '([^']+)' does not exist")
_COLUMN = re.compile(r"[Cc]olumn '([^']+)' cannot be resolved")


def classify(end: QueryEnd, published: Collection[str]) -> QueryOutcome:
    """The class of a query. `published` are the names that the platform publishes, in lower case: `schema.table`, and columns.

    An error without a known type is unexpected: nobody could say that it was the user's.
    """
    if not end.error and not end.type:
        return QueryOutcome.GOOD
    if end.error in _APART:
        return _APART[end.error]
    if end.type != "USER_ERROR" or end.error in _OURS:
        return QueryOutcome.UNEXPECTED
    missing = {"TABLE_NOT_FOUND": _TABLE, "COLUMN_NOT_FOUND": _COLUMN}.get(end.error)
    named = missing.search(end.message) if missing else None
    if named is not None and _plain(named[1]) in published:
        return QueryOutcome.UNEXPECTED
    gone = _SCHEMA.search(end.message) if end.error == "SCHEMA_NOT_FOUND" else None
    if gone is not None and any(name.startswith(f"{_plain(gone[1]).rpartition('.')[2]}.") for name in published):
        return QueryOutcome.UNEXPECTED
    return QueryOutcome.USER_ERROR


def _plain(name: str) -> str:
    """`lake.marts.projects_v1` as `marts.projects_v1`; a column stays as it is."""
    return ".".join(name.lower().replace('"', "").split(".")[-2:])
