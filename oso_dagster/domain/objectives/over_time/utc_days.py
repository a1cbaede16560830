"""Days in UTC, as far as a span of time covers them: whole days are counted by their sums, the others event by event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from oso_dagster.domain.objectives.maintenance import Maintenance

DAY = timedelta(days=1)


def day_of(at: datetime) -> datetime:
    """The midnight in UTC with which the day of `at` begins."""
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)


def cut(since: datetime, until: datetime, windows: Iterable[Maintenance] = ()) -> tuple[list[datetime], list[datetime]]:
    """The days of (since, until] by their midnights: those that lie inside and that no window touches, and the others."""
    count = max(0, (day_of(until) - day_of(since)) // DAY + 1)
    days = [day_of(since) + DAY * number for number in range(count)]
    touched = list(windows)
    whole = [day for day in days if since < day and day + DAY <= until and not any(_touches(window, day) for window in touched)]
    inside = set(whole)
    return whole, [day for day in days if day not in inside]


def _touches(window: Maintenance, day: datetime) -> bool:
    return window.start < day + DAY and window.end > day
