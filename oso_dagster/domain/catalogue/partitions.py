"""Partitions: which upstream has, which are due, and what span of time each one covers. All times are UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class PartitionKind(StrEnum):
    """How a table is cut: by time, or by a fixed list of keys."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    STATIC = "static"


_MONTH = timedelta(days=31)
_LENGTH = {
    PartitionKind.HOURLY: timedelta(hours=1),
    PartitionKind.DAILY: timedelta(days=1),
    PartitionKind.WEEKLY: timedelta(days=7),
    PartitionKind.MONTHLY: _MONTH,
}
LOOKBACK = {PartitionKind.HOURLY: 72, PartitionKind.DAILY: 14, PartitionKind.WEEKLY: 6, PartitionKind.MONTHLY: 3}
"""How many of the newest available partitions a schedule looks after: long enough for an outage over holidays. Older holes are a
backfill, which a person starts."""

_DAY = "%Y-%m-%d"
_FORMAT = {
    PartitionKind.HOURLY: "%Y-%m-%d-%H:%M",
    PartitionKind.DAILY: _DAY,
    PartitionKind.WEEKLY: _DAY,
    PartitionKind.MONTHLY: _DAY,
}


@dataclass(frozen=True)
class Window:
    """One partition: its key and the half-open span [start, end) of time it covers; a static one has no span."""

    key: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Partitions:
    """The partitions of a table.

    Two times after the end of one: upstream has it `available_after`, so that it can be loaded; it is promised `due_after`, so
    that it is missing from then on. Between the two lie the schedule's next tick, the load and its retries.
    """

    kind: PartitionKind
    start: datetime | None = None
    available_after: timedelta = timedelta(0)
    due_after: timedelta | None = None
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind is PartitionKind.STATIC:
            if not self.keys or self.start is not None or len(set(self.keys)) != len(self.keys):
                raise ValueError("static partitions need distinct keys and no start")
            if self.due_after is not None or self.available_after:
                raise ValueError("static partitions have no end after which they could be available or due")
            return
        if self.keys or self.start is None:
            raise ValueError(f"{self.kind} partitions need a start and no keys")
        if self.start.tzinfo is None or self.start.utcoffset() != timedelta(0):
            raise ValueError("the start of partitions must be in UTC")
        if self.start != _floor(self.kind, self.start):
            raise ValueError(f"the start of {self.kind} partitions must lie on a boundary, not at {self.start.isoformat()}")
        if self.due_after is None:
            raise ValueError(f"{self.kind} partitions need due_after: how long after its end one is promised")
        if not timedelta(0) <= self.available_after <= self.due_after:
            raise ValueError("partitions are available at their end or later, and not due before that")

    @property
    def length(self) -> timedelta | None:
        """How long a partition is, the longest where they differ (a month); None for static ones."""
        return _LENGTH.get(self.kind)

    @property
    def day_offset(self) -> int:
        """The weekday on which a weekly partition begins, Sunday = 0: it is that of `start`."""
        return 0 if self.start is None else (self.start.weekday() + 1) % 7

    def since(self, begin: datetime) -> Partitions:
        """The same partitions, from the first boundary not before `begin` on; static ones as they are."""
        if self.start is None:
            return self
        if self.kind is PartitionKind.MONTHLY:
            first = _floor(self.kind, begin)
            return replace(self, start=first if first == begin else _next(self.kind, first))
        length = _LENGTH[self.kind]
        return replace(self, start=self.start - (self.start - begin) // length * length)

    def recent(self, now: datetime) -> tuple[Window, ...]:
        """The available partitions that a schedule looks after: the newest `LOOKBACK`, oldest first; all static ones."""
        there = self.available(now)
        return there if self.start is None else there[-LOOKBACK[self.kind] :]

    def window(self, key: str) -> Window:
        """The span of the partition `key`; raises ValueError for a key that cannot exist."""
        if self.kind is PartitionKind.STATIC:
            if key not in self.keys:
                raise ValueError(f"no partition {key!r} among {', '.join(self.keys)}")
            return Window(key)
        try:
            begin = datetime.strptime(key, _FORMAT[self.kind]).replace(tzinfo=UTC)
        except ValueError:
            example = f", such as {self.start:{_FORMAT[self.kind]}}" if self.start else ""
            raise ValueError(f"{key!r} is no key of a {self.kind} partition{example}") from None
        if self.start is None or begin < self.start or not self._is_boundary(begin):
            raise ValueError(f"no {self.kind} partition {key!r}: the first begins at {self.start}")
        return Window(key, begin, _next(self.kind, begin))

    def available(self, now: datetime) -> tuple[Window, ...]:
        """All partitions that upstream has (`available_after` their end), oldest first; static ones always are."""
        return self._ended(now - self.available_after)

    def due(self, now: datetime) -> tuple[Window, ...]:
        """All partitions whose deadline (`due_after` their end) has come, oldest first; static ones are always due."""
        return self._ended(now - (self.due_after or timedelta(0)))

    def deadline(self, window: Window) -> datetime | None:
        """When a partition is due; None for a static one."""
        return None if window.end is None or self.due_after is None else window.end + self.due_after

    def _ended(self, moment: datetime) -> tuple[Window, ...]:
        if self.start is None:
            return tuple(Window(key) for key in self.keys)
        windows, begin = [], self.start
        while (end := _next(self.kind, begin)) <= moment:
            windows.append(Window(begin.strftime(_FORMAT[self.kind]), begin, end))
            begin = end
        return tuple(windows)

    def _is_boundary(self, moment: datetime) -> bool:
        if self.kind is PartitionKind.MONTHLY:
            return moment == _floor(self.kind, moment)
        return self.start is not None and not (moment - self.start) % _LENGTH[self.kind]


def _floor(kind: PartitionKind, moment: datetime) -> datetime:
    hour = 0 if kind is not PartitionKind.HOURLY else moment.hour
    day = 1 if kind is PartitionKind.MONTHLY else moment.day
    return moment.replace(day=day, hour=hour, minute=0, second=0, microsecond=0)


def _next(kind: PartitionKind, begin: datetime) -> datetime:
    """Where the partition that begins then ends."""
    if kind is PartitionKind.MONTHLY:
        return _floor(kind, begin + _MONTH)
    return begin + _LENGTH[kind]
