"""When the feed of a repository is asked again, and whether something fell out of it meanwhile. Pure.

A feed holds at most 300 events, and none older than 30 days (docs.github.com, REST, events; 90 days until 2025-01-30). So a
repository with 300 events an hour is asked every 24 minutes at least, a quiet one once a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

MOST_EVENTS = 300
REACH = timedelta(days=30)
"""How far back a feed reaches."""
LATE = timedelta(hours=6)
"""How late an event may appear in a feed, as GitHub documents it: so much is read again behind the newest known event."""
_PART = 0.4
"""The part of a full feed that may be new before it is asked again."""
_OFTENEST, _SELDOMEST = timedelta(minutes=30), timedelta(days=1)
_SHORTEST = timedelta(minutes=5)
"""The shortest span that a rate is taken from: a burst of a second says little."""
_GONE_AGAIN = timedelta(days=7)


@dataclass(frozen=True)
class FeedState:
    """What is known of one feed: when it was asked, its newest event, and how many events lie between `oldest` and `asked`.

    Times are ISO texts in UTC. `gone`: there was no such repository at the last request.
    """

    asked: str
    newest: str | None = None
    oldest: str | None = None
    count: int = 0
    gone: bool = False
    validators: dict[str, str] = field(default_factory=dict)

    @property
    def per_day(self) -> float:
        """Events a day, by those of the newest page when it was asked."""
        if self.oldest is None or not self.count:
            return 0.0
        span = max(datetime.fromisoformat(self.asked) - datetime.fromisoformat(self.oldest), _SHORTEST)
        return self.count / (span / timedelta(days=1))

    @property
    def interval(self) -> timedelta:
        """How long it may stay unasked."""
        if self.gone:
            return _GONE_AGAIN
        rate = self.per_day
        wanted = timedelta(days=MOST_EVENTS * _PART / rate) if rate > MOST_EVENTS * _PART else _SELDOMEST
        return min(max(wanted, _OFTENEST), _SELDOMEST)

    def overdue(self, now: datetime) -> float:
        """How long it was not asked, in intervals: 1 and more is due."""
        return (now - datetime.fromisoformat(self.asked)) / self.interval

    def since(self) -> datetime | None:
        """Back to which time a feed is read: what came late is behind the newest known event."""
        return datetime.fromisoformat(self.newest) - LATE if self.newest else None

    def unchanged(self, now: datetime) -> FeedState:
        """The state after the answer that nothing is new."""
        return replace(self, asked=now.isoformat(), gone=False)

    def absent(self, now: datetime) -> FeedState:
        """The state after the answer that there is no such repository."""
        return replace(self, asked=now.isoformat(), gone=True, validators={})

    def plain(self) -> dict[str, Any]:
        """As it is kept between loads."""
        return asdict(self)


@dataclass(frozen=True)
class Due:
    """One feed that is to be asked: `overdue` in intervals, `per_day` events, None where it was never asked."""

    name: str
    overdue: float
    per_day: float | None


def due_feeds(names: Iterable[str], states: Mapping[str, Mapping[str, Any]], now: datetime) -> list[Due]:
    """The feeds that are due, in the order in which they are asked.

    Those that run over first (the longest overdue in their own measure), then those never asked, then the rest; so that a limit
    takes what can wait.
    """
    due: list[Due] = []
    for name in sorted(set(names)):
        known = states.get(name)
        state = FeedState(**known) if known is not None else None
        overdue = state.overdue(now) if state is not None else 1.0
        if overdue >= 1.0:
            due.append(Due(name, overdue, state.per_day if state is not None else None))
    return sorted(due, key=lambda feed: (-feed.overdue, feed.name))


def gap_since(before: FeedState | None, *, reached: bool, full: bool, now: datetime, lost_since: datetime | None) -> str | None:
    """Since when events may be missing before the oldest one that came, or None.

    `reached`: the feed was read back to what was known; `full`: it had as many events as it can hold. `lost_since` is the last
    load when nothing is known of it any more.
    """
    if before is None or before.newest is None:
        known = lost_since if before is None else None
        return known.isoformat() if known is not None and full else None
    aged = now - datetime.fromisoformat(before.asked) > REACH
    return before.newest if not reached and (full or aged) else None
