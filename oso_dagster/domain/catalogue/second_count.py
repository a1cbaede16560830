"""The second count of a table: what another answer of its upstream says is there, and how what we hold is counted beside it.

Belongs here: the declaration and its answer, as data. Does not: the comparison of the two (`domain.coverage`), or who asks
(`orchestration.coverage`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oso_dagster.domain.catalogue.loading import ExtractRequest

ALL_BASIS_POINTS = 10_000
DEFAULT_TARGET = 9_500
"""The share of the truth that is promised where a table declares no other, in basis points."""


class Measure(StrEnum):
    """What is counted: rows, distinct values of a column, or the total of a column."""

    ROWS = "rows"
    DISTINCT = "distinct"
    SUM = "sum"


@dataclass(frozen=True)
class Held:
    """How what the warehouse holds is counted; the names are columns of the table.

    `category` splits the count (without one there is one category, ""); `item` holds what a sample was drawn of; `time` places a
    row in a span, and is the event time of the table where it is not given. `also` are columns that are added to a total.
    """

    measure: Measure = Measure.ROWS
    column: str | None = None
    category: str | None = None
    item: str | None = None
    time: str | None = None
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.column is None) != (self.measure is Measure.ROWS):
            raise ValueError(f"held: {self.measure} {'takes no' if self.column else 'needs a'} column")
        if self.also and self.measure is not Measure.SUM:
            raise ValueError(f"held: {self.measure} adds no columns")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names."""
        return tuple(name for name in (self.column, self.category, self.item, self.time, *self.also) if name is not None)


@dataclass(frozen=True)
class TrueCount:
    """Between `low` and `high` are really there, of a `category`, in the span [since, until) of time (None: no limit).

    `items` are those that were asked, where not all were: what we hold of others is not compared. `by_item` says how much is
    there of each, those without any may be missing: how far items differ is how uncertain a sample of them is.
    """

    category: str
    low: int
    high: int
    since: datetime | None = None
    until: datetime | None = None
    items: tuple[str, ...] = ()
    by_item: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"second count of {self.category!r}: {self.low} to {self.high} is no range of whole numbers")
        if self.by_item and not (sum(self.by_item.values()) == self.low == self.high and self.by_item.keys() <= set(self.items)):
            raise ValueError(f"second count of {self.category!r}: what the items have is not {self.low:,} of those asked")
        for moment in (self.since, self.until):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError(f"second count of {self.category!r}: a time without a zone, {moment}")


@dataclass(frozen=True)
class SecondCount:
    """What the coverage of a table is measured by.

    `description` says what counts and why it is independent of the load; `count` asks, with the request of an extraction, whose
    window is the newest partition that is loaded and due (none for a table without partitions), and whose `previous` is its
    load. `target` is the share that is promised, in basis points. `sample` describes the sample, where not everything is asked:
    the bounds of the share are then those of Wilson's interval, and each count says what each item has (`by_item`). `needs` names
    columns of landed tables whose values it is handed, as those of a table do.
    """

    description: str
    count: Callable[[ExtractRequest], Iterable[TrueCount]]
    held: Held = Held()
    target: int = DEFAULT_TARGET
    sample: str | None = None
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.description or self.sample == "":
            raise ValueError("second count: a description is missing")
        if not 0 < self.target <= ALL_BASIS_POINTS:
            raise ValueError(
                f"second count: a target of {self.target} basis points is not above 0 and at most {ALL_BASIS_POINTS}"
            )
