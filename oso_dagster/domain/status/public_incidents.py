"""What went wrong, who is on it, and what is planned: part of the status page's read model, see `domain.status.page`.

Every field is public, and nothing else is: no error text, no address of a run, no name of a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import require_zone

_WEEK = timedelta(days=7)


class PublicPhase(StrEnum):
    """How far an incident is: worked on, met again and watched whether it stays so, over."""

    OPEN = "open"
    WATCHED = "watched"
    OVER = "over"


@dataclass(frozen=True)
class Update:
    """One thing that was said about an incident, and how far it was then; `postmortem`: afterwards, about why it happened."""

    at: datetime
    text: str
    phase: PublicPhase = PublicPhase.OPEN
    postmortem: bool = False

    def __post_init__(self) -> None:
        require_zone(f"update {self.text!r}", self.at)


@dataclass(frozen=True)
class PublicIncident:
    """Something that is or was wrong, in words for the public; `link` may lead to a place where it is followed.

    `key` is stable and unique to this incident; `until` None: it is not over. `objective` is an id, `affected` names data
    sets, `owners` who owns them and fixes them. A remedial `sprint` has a timeline, oldest first; a breach without one has none.
    """

    key: str
    title: str
    text: str
    since: datetime
    verdict: Verdict = Verdict.BREACHED
    link: str = ""
    until: datetime | None = None
    service: str = ""
    objective: str = ""
    affected: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    sprint: bool = False
    updates: tuple[Update, ...] = ()

    def __post_init__(self) -> None:
        require_zone(f"{self.key}: since", self.since)
        require_zone(f"{self.key}: until", self.until)
        if [update.at for update in self.updates] != sorted(update.at for update in self.updates):
            raise ValueError(f"{self.key}: the updates are not in the order of time")

    @property
    def phase(self) -> PublicPhase:
        """How far it is now."""
        if self.until is not None:
            return PublicPhase.OVER
        return self.updates[-1].phase if self.updates else PublicPhase.OPEN

    @property
    def changed_at(self) -> datetime:
        """When it last changed: its end, its last update, or its beginning."""
        return max([self.until or self.since, *(update.at for update in self.updates)])

    @property
    def timeline(self) -> tuple[Update, ...]:
        """What was said, oldest first; without updates its beginning, and its end."""
        if self.updates:
            return self.updates
        if self.until is None:
            return (Update(self.since, self.text),)
        return Update(self.since, self.title), Update(self.until, self.text, PublicPhase.OVER)

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether it was open at any time in [start, end)."""
        return self.since < end and (self.until is None or self.until >= start)


@dataclass(frozen=True)
class PublicAnnouncement:
    """Something that every reader should know, in [at, until); None: until it is withdrawn. `number` is its own for ever."""

    number: int
    text: str
    at: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        require_zone(f"announcement {self.number}: at", self.at)
        require_zone(f"announcement {self.number}: until", self.until)

    @property
    def key(self) -> str:
        """Stable and unique."""
        return f"announcement.{self.number}"

    def stands(self, now: datetime) -> bool:
        """Whether it is shown first at `now`."""
        return self.at <= now and (self.until is None or now < self.until)


class WorkState(StrEnum):
    """What maintenance is at one instant."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class Work:
    """Maintenance in [start, end): `scope` is a service, an objective's id or the name of a data set, `title` says it to people.

    Who declared it is for the team. `service` is the service that it belongs to, empty where that is not one alone.
    `declared_at` is None for one of an older store.
    """

    scope: str
    title: str
    reason: str
    start: datetime
    end: datetime
    service: str = ""
    declared_at: datetime | None = None

    def __post_init__(self) -> None:
        require_zone(f"maintenance of {self.scope}: start", self.start)
        require_zone(f"maintenance of {self.scope}: end", self.end)

    @property
    def key(self) -> str:
        """Stable and unique, also when its end is moved."""
        return f"maintenance.{self.scope}@{self.start:%Y%m%dT%H%M%SZ}-{self.declared_at or self.end:%Y%m%dT%H%M%SZ}"

    @property
    def length(self) -> timedelta:
        """How long it is planned to take."""
        return self.end - self.start

    def state(self, now: datetime) -> WorkState:
        """Planned, running or done at `now`."""
        if now < self.start:
            return WorkState.PLANNED
        return WorkState.RUNNING if now < self.end else WorkState.DONE

    def changed_at(self, now: datetime) -> datetime:
        """When its state last changed: it was declared (not known: each whole week before it), began or ended."""
        state = self.state(now)
        if state is WorkState.DONE:
            return self.end
        if self.declared_at is not None:
            return self.start if state is WorkState.RUNNING else min(self.declared_at, now)
        weeks = max(0, -(-(self.start - now) // _WEEK))
        return self.start - weeks * _WEEK


def sprints_and_breaches(sprints: Iterable[PublicIncident], breaches: Iterable[PublicIncident]) -> tuple[PublicIncident, ...]:
    """Sprints, and the breaches that no sprint of their objective shows already; the newest first."""
    shown = list(sprints)
    alone = [breach for breach in breaches if not any(_tells(sprint, breach) for sprint in shown)]
    return tuple(sorted((*shown, *alone), key=lambda incident: (incident.since, incident.key), reverse=True))


def _tells(sprint: PublicIncident, breach: PublicIncident) -> bool:
    """Whether they were open at the same time: a sprint opens with the breach and outlasts it."""
    if sprint.objective != breach.objective:
        return False
    return (sprint.until is None or breach.since < sprint.until) and (breach.until is None or sprint.since < breach.until)
