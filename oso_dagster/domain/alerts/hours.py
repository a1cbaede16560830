"""When people may be notified: quiet hours, the hour of the digests, intervals of reminders, how many incidents are a storm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from oso_dagster.domain.alerts.incident import Incident, Severity, State

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """When the readers of alerts may be notified. `quiet` are two hours of `zone` between which tickets wait; None: never.

    `storm` is how many may be announced one by one within `storm_span`; a `digest` comes once a day, at that hour, the weekly one
    on Mondays.
    """

    zone: str = "UTC"
    quiet: tuple[int, int] | None = (22, 7)
    digest: int = 9
    storm: int = 8
    storm_span: timedelta = timedelta(minutes=10)
    reminders: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {Severity.PAGE: timedelta(hours=4), Severity.TICKET: DAY}
    )

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except KeyError:
            raise ValueError(f"no time zone is called {self.zone}") from None
        hours = (*(self.quiet or ()), self.digest)
        if any(not 0 <= hour < 24 for hour in hours):  # noqa: PLR2004  (hours of a day)
            raise ValueError("an hour is a number from 0 to 23")
        if self.storm < 1:
            raise ValueError("the number of incidents that make a storm must be at least 1")

    def may_tell(self, incident: Incident, now: datetime) -> bool:
        """Whether somebody may be disturbed by it now: a page always, everything else outside of the quiet hours."""
        return incident.severity is Severity.PAGE or not self.is_quiet(now)

    def is_quiet(self, now: datetime) -> bool:
        """Whether `now` lies in the quiet hours, which may go over midnight."""
        if self.quiet is None:
            return False
        (start, end), hour = self.quiet, now.astimezone(ZoneInfo(self.zone)).hour
        return start <= hour < end if start <= end else hour >= start or hour < end

    def remind(self, incident: Incident, announced_at: datetime, now: datetime) -> bool:
        """Whether its last announcement is too long ago. Once a day is enough when somebody works on it, or it is met again."""
        every = self.reminders.get(incident.severity)
        if every is None or not self.may_tell(incident, now):
            return False
        return now - announced_at >= (max(every, DAY) if incident.state in (State.ACKNOWLEDGED, State.WATCHED) else every)

    def digest_due(self, last: datetime | None, now: datetime) -> bool:
        """Whether the digest of today is still to come; the first one of all is due at once."""
        if last is None:
            return True
        here = now.astimezone(ZoneInfo(self.zone))
        today = datetime.combine(here.date(), time(self.digest), here.tzinfo)
        newest = today if today <= here else today - DAY
        return last < newest

    def weekly_due(self, last: datetime | None, began: datetime, now: datetime) -> bool:
        """Whether the digest of this week is still to come: on Monday at the hour of the digest, or as soon as may be after it.

        The first one comes when the platform, which `began` then, has been there for a day.
        """
        here = now.astimezone(ZoneInfo(self.zone))
        monday = datetime.combine(here.date() - here.weekday() * DAY, time(self.digest), here.tzinfo)
        newest = monday if monday <= here else monday - 7 * DAY
        return not self.is_quiet(now) and (began + DAY if last is None else last) < newest
