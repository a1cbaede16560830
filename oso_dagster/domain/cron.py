"""When a five-field cron comes, in a time zone. Pure: the standard library only, no clock.

Why not Dagster's own: a source whose promise its schedule cannot keep is refused when it is built, and `domain` may not load
Dagster (docs/decisions/0039). A test holds this reading against Dagster's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_BOUNDS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cron:
    """The minutes of a day at which it comes, and the days; weekdays are counted from Sunday = 0."""

    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @property
    def every_day(self) -> bool:
        """Whether it comes on each day, at the same times."""
        return self.any_day and self.any_weekday and len(self.months) == _BOUNDS["month"][1]

    def falls_on(self, day: date) -> bool:
        """Whether it comes on `day`. Day of the month and weekday are alternatives when both are given, as cron has it."""
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        wanted = by_month or by_week if not (self.any_day or self.any_weekday) else by_month and by_week
        return day.month in self.months and wanted


@lru_cache(maxsize=256)
def parsed(text: str) -> Cron:
    """A cron as sets of numbers. Raises ValueError for a field that is out of its bounds or no number."""
    fields = text.split(" ")
    if len(fields) != len(_BOUNDS):
        raise ValueError(f"cron {text!r}: five fields are expected")
    minutes, hours, days, months, weekdays = (_numbers(text, name, field) for name, field in zip(_BOUNDS, fields, strict=True))
    return Cron(
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset(weekday % 7 for weekday in weekdays),
        any_day=fields[2] == "*",
        any_weekday=fields[4] == "*",
    )


def ticks(text: str, zone: str, since: datetime) -> Iterator[datetime]:
    """Each tick from `since` on, itself included, in UTC, oldest first; of four years, in which every cron that can come does.

    An hour that a zone skips in spring moves a tick in it by that hour; an hour that it repeats in autumn has it once.
    """
    cron, place = parsed(text), ZoneInfo(zone)
    first = since.astimezone(place).date()
    for number in range(-1, 4 * 366):
        day = first + number * _DAY
        if cron.falls_on(day):
            for at in cron.times:
                tick = datetime.combine(day, at, place).astimezone(UTC)
                if tick >= since:
                    yield tick


def _numbers(text: str, name: str, field: str) -> frozenset[int]:
    low, high = _BOUNDS[name]
    numbers: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (_number(text, name, first), _number(text, name, last if dash else first))
        end = high if step and not dash else end
        every = _number(text, name, step) if step else 1
        if not low <= begin <= end <= high or every < 1:
            raise ValueError(f"cron {text!r}: {part!r} is no {name} between {low} and {high}")
        numbers.update(range(begin, end + 1, every))
    return frozenset(numbers)


def _number(text: str, name: str, digits: str) -> int:
    if not digits.isdecimal():
        raise ValueError(f"cron {text!r}: {digits!r} is no number for the {name}")
    return int(digits)
