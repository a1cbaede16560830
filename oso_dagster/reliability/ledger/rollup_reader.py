"""Reads the daily roll-up: whole days by their sums, others unpacked. `daily_rollup` decides what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.over_time.utc_days import cut, day_of
from oso_dagster.reliability.ledger.daily_rollup import ATTEMPT, SAMPLE
from oso_dagster.reliability.ledger.packing import unpack
from oso_dagster.reliability.tables import folded_attempts, folded_samples, folding

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """(since, until], and the maintenance windows whose days have to be counted event by event."""

    since: datetime
    until: datetime
    windows: Sequence[Maintenance] = ()

    def touches(self, connection: Connection) -> bool:
        """Whether any of it may have been rolled up."""
        rolled_up_until = connection.execute(select(folding.c.until)).scalar_one_or_none()
        return rolled_up_until is not None and self.since < rolled_up_until


def sums_of_attempts(connection: Connection, label: Label, span: Span) -> dict[str, int]:
    """How many good attempts count, by asset, on the days that lie in the span as a whole."""
    whole, _ = cut(span.since, span.until, span.windows)
    if not whole:
        return {}
    table = folded_attempts
    query = select(table.c.asset, func.sum(table.c.good).label("good")).where(table.c.label == label, table.c.day.in_(whole))
    return {row.asset: int(row.good) for row in connection.execute(query.group_by(table.c.asset)) if row.good}


def attempts_in(connection: Connection, label: Label, span: Span, *, parts: bool = False) -> Iterator[dict[str, Any]]:
    """The rolled-up attempts that count in the span; `parts`: only of the days that `sums_of_attempts` leaves out."""
    whole, rest = cut(span.since, span.until, span.windows)
    table = folded_attempts
    days = rest if parts else sorted([*whole, *rest])
    query = select(table.c.asset, table.c.packed).where(table.c.label == label, table.c.day.in_(days))
    for row in connection.execute(query.order_by(table.c.day, table.c.asset)):
        for attempt in unpack(row.packed, ATTEMPT):
            if attempt["counted"] is not None and span.since < attempt["counted_at"] <= span.until:
                yield {"asset": row.asset, **attempt}


def good_times(connection: Connection, asset: str, since: datetime, until: datetime, *, audited: bool) -> list[datetime]:
    """When an asset was materialized well in (since, until], as far as it was rolled up, in order."""
    table = folded_attempts
    query = select(table.c.packed).where(table.c.asset == asset, table.c.day >= day_of(since), table.c.day <= day_of(until))
    rows = [attempt for packed in connection.execute(query).scalars() for attempt in unpack(packed, ATTEMPT)]
    good = [attempt for attempt in rows if attempt["outcome"] == Outcome.OK and (attempt["audited"] or not audited)]
    return sorted(attempt["ended"] for attempt in good if since < attempt["ended"] <= until)


def last_good(connection: Connection, until: datetime, asset: str | None = None, *, audited: bool = False) -> dict[str, datetime]:
    """The newest good materialization of each asset up to `until`, as far as it was rolled up."""
    table, midnight = folded_attempts, day_of(until)
    at = table.c.last_audited if audited else table.c.last_good
    mine = [] if asset is None else [table.c.asset == asset]
    days_before = select(table.c.asset, func.max(at).label("at")).where(*mine, table.c.day < midnight, at.is_not(None))
    newest = {row.asset: row.at for row in connection.execute(days_before.group_by(table.c.asset))}
    that_day = select(table.c.asset).where(*mine, table.c.day == midnight).distinct()
    for name in connection.execute(that_day).scalars().all():
        times = good_times(connection, name, midnight - _TICK, until, audited=audited)
        newest |= {name: times[-1]} if times else {}
    return newest


def newest_event(connection: Connection, asset: str, until: datetime, *, of_last: bool) -> tuple[datetime, datetime] | None:
    """When the attempt up to `until` ended that brought the newest event, or the last one that brought any, and that event.

    As far as they were rolled up: newer attempts have rows of their own.
    """
    table = folded_attempts
    own = (table.c.asset == asset, table.c.day <= day_of(until))
    query = select(table.c.day, table.c.packed).where(*own).order_by(table.c.day.desc())
    best: tuple[datetime, datetime] | None = None
    for day, of_day in groupby(connection.execute(query).all(), key=lambda row: row.day):
        if best is not None and of_last and best[0] >= day:  # of a later day than this one
            break
        rows = [row for each in of_day for row in unpack(each.packed, ATTEMPT) if row["outcome"] == Outcome.OK]
        pairs = [(row["ended"], row["newest_event"]) for row in rows if row["ended"] <= until and row["newest_event"] is not None]
        best = max([*pairs, *([best] if best else [])], key=lambda pair: pair[0 if of_last else 1], default=None)
    return best


def sums_of_samples(connection: Connection, service: str, objective: str, span: Span) -> dict[str, tuple[int, int]]:
    """Good and valid by slice on the days that lie in the span as a whole."""
    whole, _ = cut(span.since, span.until, span.windows)
    table = folded_samples
    own = (table.c.service == service, table.c.objective == objective, table.c.day.in_(whole))
    query = select(table.c.slice, func.sum(table.c.good).label("good"), func.sum(table.c.valid).label("valid")).where(*own)
    return {row.slice: (int(row.good), int(row.valid)) for row in connection.execute(query.group_by(table.c.slice))}


def samples_in(
    connection: Connection, service: str, objective: str, span: Span, *, parts: bool = False
) -> Iterator[dict[str, Any]]:
    """The rolled-up samples in the span; `parts`: only of the days that `sums_of_samples` leaves out."""
    whole, rest = cut(span.since, span.until, span.windows)
    table = folded_samples
    days = rest if parts else sorted([*whole, *rest])
    own = (table.c.service == service, table.c.objective == objective, table.c.day.in_(days))
    for row in connection.execute(select(table.c.slice, table.c.packed).where(*own).order_by(table.c.day, table.c.slice)):
        for sample in unpack(row.packed, SAMPLE):
            if span.since < sample["at"] <= span.until:
                yield {"slice": row.slice, **sample}


def is_rolled_up(connection: Connection, sample: Mapping[str, Any]) -> bool:
    """Whether a sample of that slice and time was rolled up already: it counts once."""
    table = folded_samples
    own = [table.c[name] == sample[name] for name in ("service", "objective", "slice")]
    query = select(table.c.packed).where(*own, table.c.day == day_of(sample["at"]))
    packed = connection.execute(query).scalar_one_or_none()
    return packed is not None and any(stored["at"] == sample["at"] for stored in unpack(packed, SAMPLE))
