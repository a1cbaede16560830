"""Whether a table is as fresh as it was promised to be. Evidence is a time at which it was known to be good."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from oso_dagster.domain.catalogue.partitions import Partitions, Window


class Freshness(StrEnum):
    """`not_due`: nothing is expected of the table yet."""

    FRESH = "fresh"
    STALE = "stale"
    NOT_DUE = "not_due"


class FutureEvidenceError(Exception):
    """Evidence lies in the future: a clock is wrong, and an age computed from it would be too."""


MODELS_FRESH_WITHIN = timedelta(hours=36)
"""All models are computed, or found to be up to date, once a day; half a day is left to do it and to fix what failed."""

EVENTS_AHEAD = timedelta(days=1)
"""How far an event may lie in the future: a date stands for its midnight in UTC, and a day begins earlier in the east."""


@dataclass(frozen=True)
class Promise:
    """A table is at most `within` old; one that never arrived is stale from `first_due` on."""

    within: timedelta
    first_due: datetime


def judge(promise: Promise, evidence: datetime | None, now: datetime) -> Freshness:
    """Fresh up to and including `within`. Raises FutureEvidenceError for evidence later than `now`."""
    if evidence is None:
        return Freshness.STALE if now >= promise.first_due else Freshness.NOT_DUE
    if evidence > now:
        raise FutureEvidenceError(f"the last good materialization is of {evidence.isoformat()}, which is after {now.isoformat()}")
    return Freshness.FRESH if now - evidence <= promise.within else Freshness.STALE


def judge_events(newest: datetime, within: timedelta, now: datetime) -> Freshness:
    """The same of the newest event that a table holds; it may run ahead by as much as a calendar day begins earlier elsewhere."""
    if newest > now + EVENTS_AHEAD:
        raise FutureEvidenceError(f"the newest event is of {newest.isoformat()}, which is after {now.isoformat()}")
    return Freshness.FRESH if now - newest <= within else Freshness.STALE


def judge_partitioned(partitions: Partitions, materialized: Collection[str], now: datetime) -> Freshness:
    """Fresh when the newest due partition is there, or every static one: a backfill of an old one freshens nothing."""
    if not partitions.due(now):
        return Freshness.NOT_DUE
    return Freshness.STALE if wanting(partitions, materialized, now) else Freshness.FRESH


def wanting(partitions: Partitions, materialized: Collection[str], now: datetime) -> tuple[Window, ...]:
    """What makes a partitioned table stale: its newest due partition when that is missing, or the static ones that are."""
    due = partitions.due(now)
    return tuple(window for window in (due if partitions.start is None else due[-1:]) if window.key not in materialized)


def holes(partitions: Partitions, materialized: Collection[str], now: datetime) -> tuple[str, ...]:
    """The due partitions that are missing, oldest first."""
    present = frozenset(materialized)
    return tuple(window.key for window in partitions.due(now) if window.key not in present)


def fresh_time(promise: Promise, evidence: Iterable[datetime], since: datetime, now: datetime) -> tuple[timedelta, timedelta]:
    """How long in (since, now] a table was fresh, and how long it had to be: from its first evidence or first due time on.

    Integrated exactly: each evidence keeps the table fresh for `within`, overlaps count once.
    """
    moments = sorted(at for at in evidence if at <= now)
    begin = max(since, min([promise.first_due, *moments[:1]]))
    fresh, covered = timedelta(0), begin
    for at in moments:
        start, end = max(at, covered), min(at + promise.within, now)
        if end > start:
            fresh, covered = fresh + (end - start), end
    return fresh, max(now - begin, timedelta(0))


def fresh_time_partitioned(
    partitions: Partitions, landed: Mapping[str, datetime], since: datetime, now: datetime
) -> tuple[timedelta, timedelta]:
    """The same for a table in time partitions: fresh while the newest one that is due at that time is there."""
    fresh = had_to = timedelta(0)
    for key, deadline, end in _reigns(partitions, now):
        begin = max(deadline, since)
        had_to += max(end - begin, timedelta(0))
        if key in landed:
            fresh += max(end - max(begin, landed[key]), timedelta(0))
    return fresh, had_to


def first_fresh(partitions: Partitions, landed: Mapping[str, datetime], now: datetime) -> datetime | None:
    """When a table in time partitions was fresh first; None where it never was.

    A first load that goes from the oldest partition to the newest makes it fresh at its end: before that nothing was promised.
    """
    moments = [
        max(deadline, landed[key])
        for key, deadline, end in _reigns(partitions, now)
        if key in landed and max(deadline, landed[key]) <= end
    ]
    return min(moments, default=None)


def _reigns(partitions: Partitions, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """Each due time partition, with the span in which it is the newest one that is due."""
    deadlines = [
        (window.key, deadline) for window in partitions.due(now) if (deadline := partitions.deadline(window)) is not None
    ]
    ends = [*(deadline for _, deadline in deadlines), now][1:]
    return [(key, deadline, end) for (key, deadline), end in zip(deadlines, ends, strict=True)]
