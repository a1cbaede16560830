"""Declared maintenance: what happens inside its windows leaves the indicator, and is shown. Not: how windows are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Maintenance:
    """Work on `scope` in [start, end): a service, the id of an objective, or the name of an asset or slice.

    `declared_at` None: of an older store, nobody knows; `rule` is what it was repeated by, empty for a single one.
    """

    scope: str
    start: datetime
    end: datetime
    author: str
    reason: str
    declared_at: datetime | None = None
    rule: str = ""

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("the times of a maintenance window need a time zone")
        if self.start >= self.end:
            raise ValueError(
                f"the window would end at {self.end:%Y-%m-%d %H:%M} and begin at {self.start:%Y-%m-%d %H:%M}; the end comes later"
            )
        if not (self.scope.strip() and self.author.strip() and self.reason.strip()):
            raise ValueError("a maintenance window needs a scope, an author and a reason")

    def covers(self, service: str, objective: str, asset: str, at: datetime) -> bool:
        """Whether an event of `asset` at `at` is left out of `<service>.<objective>`."""
        return self.start <= at < self.end and self.scope in (service, f"{service}.{objective}", asset)


LONG = timedelta(days=1)
"""A longer window is asked about: what it covers is in no indicator."""


def declared_at(window: Maintenance, now: datetime) -> Maintenance:
    """The window as it counts when it is declared at `now`: what happened before stays in the indicators.

    Raises ValueError for one that is over.
    """
    if window.end <= now:
        raise ValueError(f"the window ended at {window.end.isoformat()}: maintenance declared afterwards erases nothing")
    return replace(window, start=max(window.start, now), declared_at=now)


def of_span(windows: Iterable[Maintenance], since: datetime, now: datetime) -> list[Maintenance]:
    """The windows that may take something out of (since, now]: years of repeated ones do not make each count slower."""
    return [window for window in windows if window.start <= now and window.end > since]


def touching(
    windows: Iterable[Maintenance], service: str, objective: str, assets: Collection[str], since: datetime, now: datetime
) -> tuple[Maintenance, ...]:
    """The windows that take something out of (since, now] of an objective over `assets`, the earliest first."""
    scopes = {service, f"{service}.{objective}", *assets}
    relevant = (window for window in windows if window.scope in scopes and window.start <= now and window.end > since)
    return tuple(sorted(relevant, key=lambda window: (window.start, window.end, window.scope)))
