"""Whether a schedule can keep a promise: the latest that a load is there, with every retry, against what is promised.

Belongs here: the arithmetic over cron, partitions, usual duration and retries. Does not: what a table declares (`source`), or
whether a promise was kept (`domain.objectives.freshness`). Pure, no clock. The reasons are in docs/decisions/0039.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise, takewhile

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.terms import Cost, Retries, Schedule
from oso_dagster.domain.cron import parsed, ticks
from oso_dagster.domain.durations import duration

BEGINNING = timedelta(minutes=15)
"""From a tick until the load begins: Dagster's daemon looks every half minute, runs wait in a queue, a process starts."""

_SPAN = timedelta(days=430)
"""A year and two months: every weekday, every length of a month and both changes of the clock lie in it."""

_WEEKS = timedelta(weeks=4)
"""As good as a year for what comes at the same times each day, in a zone that never changes its clock, and for weeks."""

_ANY_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TermsOfLoad:
    """When a table is loaded, and how long that takes at most.

    `ahead` is the usual time of the other tables of its run, which are loaded one after the other.
    """

    schedule: Schedule
    cost: Cost
    retries: Retries
    partitions: Partitions | None
    ahead: timedelta = timedelta(0)

    @property
    def longest_load(self) -> timedelta:
        """From a tick to the end of its load when every try but the last fails, each after the usual time."""
        return BEGINNING + self.ahead + (self.retries.limit + 1) * self.cost.duration + self.retries.pauses

    def first_due(self, seen: datetime) -> datetime:
        """By when a table that is known since `seen` has to be there for the first time: its next load, with every retry."""
        return next(ticks(self.schedule.cron, self.schedule.timezone, seen)) + self.longest_load

    @property
    def longest_wait(self) -> timedelta:
        """Until a load begins: from the last one, or from the end of a time partition."""
        parts = self.partitions
        if parts is None or parts.start is None:
            return _longest_gap(self.schedule)
        return _longest_wait(self.schedule, parts.kind, parts.start, parts.available_after)

    @property
    def shortest_promise(self) -> timedelta:
        """The shortest that can be kept: how old a table gets, or how long after its end a time partition arrives."""
        return self.longest_wait + self.longest_load


def refuse_unkept(where: str, terms: TermsOfLoad, fresh_within: timedelta | None, events_within: timedelta | None) -> None:
    """Raise ValueError, with the numbers, when a promise cannot be kept; `fresh_within` is None with time partitions."""
    parts = terms.partitions
    length = parts.length if parts is not None else None
    promises = (
        ("fresh_within", "is promised to be at most {} old", fresh_within, timedelta(0)),
        ("due_after", "promises a partition {} after its end", parts.due_after if parts is not None else None, timedelta(0)),
        ("events_within", "promises an event that is at most {} old", events_within, length or timedelta(0)),
    )
    since = "the end of a partition" if length else "the load before"
    for name, words, promised, before in promises:
        shortest = before + terms.shortest_promise
        if promised is not None and promised < shortest:
            raise ValueError(
                f"{where} {words.format(duration(promised))}, which its schedule cannot keep: {terms.schedule.cron}"
                f" {terms.schedule.timezone} begins up to {duration(terms.longest_wait)} after {since}, and a load with its"
                f" retries takes up to {duration(terms.longest_load)}. Raise {name} to {duration(_up(shortest))}, or load"
                " earlier or more often"
            )


def _up(span: timedelta) -> timedelta:
    """The next full hour."""
    return -(-span // _HOUR) * _HOUR


@lru_cache(maxsize=256)
def _longest_gap(schedule: Schedule) -> timedelta:
    return max(later - earlier for earlier, later in pairwise(_year_of(schedule, _WEEKS)))


@lru_cache(maxsize=256)
def _longest_wait(schedule: Schedule, kind: PartitionKind, start: datetime, available_after: timedelta) -> timedelta:
    """From the end of a partition to the first tick at which upstream has it."""
    moments = _year_of(schedule, _SPAN if kind is PartitionKind.MONTHLY else _WEEKS + 2 * available_after)
    grid = Partitions(kind, start, due_after=available_after).since(moments[0])
    longest = timedelta(0)
    for window in grid.due(moments[-1] - available_after):
        if window.end is not None:
            ready = window.end + available_after
            longest = max(longest, moments[bisect_left(moments, ready)] - window.end)
    return longest


@lru_cache(maxsize=256)
def _year_of(schedule: Schedule, enough: timedelta) -> list[datetime]:
    """All ticks of a year and two months, or of what is `enough` where no day is unlike another, and the one behind them.

    Raises ValueError for a schedule that never comes.
    """
    alike = schedule.timezone == "UTC" and parsed(schedule.cron).every_day
    end = _ANY_YEAR + (enough if alike else _SPAN)
    every = ticks(schedule.cron, schedule.timezone, _ANY_YEAR)
    year = list(takewhile(lambda tick: tick <= end, every))
    if len(year) < 2:  # noqa: PLR2004  (a gap lies between two)
        rest = list(islice(ticks(schedule.cron, schedule.timezone, _ANY_YEAR), 2))
        if len(rest) < 2:  # noqa: PLR2004
            raise ValueError(f"the schedule {schedule.cron} never comes")
        return rest
    return year
