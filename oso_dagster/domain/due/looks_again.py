"""Which loaded partitions are loaded again, because their upstream may have changed them since. Pure: no Dagster, no clock.

A partition of a table that declares `changes_within` is loaded again each time its age has doubled since the last load, and for
the last time when the span has ended: late figures come in soon, and a span of a week costs three loads. One that a limit cut
short is loaded again at the next tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.catalogue.partitions import LOOKBACK, Window
from oso_dagster.domain.catalogue.source import Table


@dataclass(frozen=True)
class LastLook:
    """The last load of a partition: when it was, and whether a limit of the upstream cut it short."""

    at: datetime
    cut_short: bool = False


def candidates(table: Table, now: datetime) -> tuple[Window, ...]:
    """The partitions that may have to be loaded again; none where upstream changes nothing and no limit cuts a load short.

    After an outage as long as a schedule looks back, the last look of each still happens.
    """
    partitions = table.partitions
    if partitions is None or (table.changes_within is None and not table.resumable):
        return ()
    if table.changes_within is None or partitions.length is None:
        return partitions.recent(now)
    oldest = now - table.changes_within - partitions.length * LOOKBACK[partitions.kind]
    return tuple(window for window in partitions.available(now) if window.end is not None and window.end > oldest)


def partitions_again(table: Table, now: datetime, looks: Mapping[str, LastLook], *, missing: bool) -> frozenset[str]:
    """The keys of those that are due for another look, by the last one of each (`looks`).

    Where one request covers a span of partitions (`changes_together`), all within the span of change come along as soon as one
    of them is due, or a newer one is `missing`.
    """
    there = [window for window in candidates(table, now) if window.key in looks]
    due = frozenset(window.key for window in there if is_due(window, looks[window.key], table.changes_within, now))
    if table.changes_within is None or not table.changes_together or not (due or missing):
        return due
    open_still = now - table.changes_within
    return due | {window.key for window in there if window.end is not None and window.end >= open_still}


def is_due(window: Window, look: LastLook, span: timedelta | None, now: datetime) -> bool:
    """Whether a partition is due for another look.

    >>> from datetime import UTC
    >>> day = Window("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    >>> look = LastLook(datetime(2026, 3, 3, tzinfo=UTC))
    >>> [is_due(day, look, timedelta(days=7), datetime(2026, 3, at, tzinfo=UTC)) for at in (3, 4)]
    [False, True]
    """
    if look.cut_short:
        return True
    if span is None or window.end is None:
        return False
    age_then, age = look.at - window.end, now - window.end
    return age_then < span and (age >= span or age >= 2 * age_then)


def oldest_look(looks: list[LastLook]) -> LastLook:
    """What holds for tables that are loaded together: the oldest of their last loads; cut short where one was."""
    return LastLook(min(look.at for look in looks), any(look.cut_short for look in looks))
