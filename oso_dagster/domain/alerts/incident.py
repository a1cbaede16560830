"""An incident: one thing that is wrong, from its beginning to its end, as alerts present it.

Belongs here: the value, and the names it is known by. Does not: when there is one (`domain.alerts.asset_signals`,
`domain.alerts.objective_signals`), how it is announced (`domain.alerts.announcement`), how it looks (`alerting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What kind of thing is wrong; `docs/runbooks.md` has a chapter for each. The last four sum up, or are tests."""

    SPRINT = "sprint"
    FAILED_MATERIALIZATION = "failed_materialization"
    STALE_ASSET = "stale_asset"
    FAILED_CHECK = "failed_check"
    BURN_RATE = "burn_rate"
    SCHEMA_DRIFT = "schema_drift"
    SILENT = "silent"
    BUDGET_SPENT = "budget_spent"
    REMOVAL_PROPOSAL = "removal_proposal"
    NO_DATA = "no_data"
    LOST_ROWS = "lost_rows"
    LONG_RUN = "long_run"
    WEEKLY = "weekly"
    DIGEST = "digest"
    STORM = "storm"
    TEST = "test"


class Severity(StrEnum):
    """How loud it is: somebody is woken, finds it in the morning, or may read it."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the loudest."""
        return list(Severity).index(self)


class State(StrEnum):
    """The state of an incident; acknowledged is open, with somebody working on it; watched is open, met again for a while."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    WATCHED = "watched"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class IncidentField:
    """A short fact about an incident."""

    name: str
    value: str


@dataclass(frozen=True)
class Link:
    """Where to look; the address holds no secret."""

    label: str
    url: str


@dataclass(frozen=True)
class Incident:
    """What is wrong, as of `updated_at`.

    `subject` names what it is about and is the same at every occurrence (`stale_asset:oss_directory/projects`); `opened_at` makes
    the occurrence. `service` and `stability` (core, unstable, sqlmesh) are empty where there is none; `owner` is who can fix it.
    """

    subject: str
    kind: Kind
    severity: Severity
    service: str
    stability: str
    owner: str
    title: str
    opened_at: datetime
    updated_at: datetime
    state: State = State.OPEN
    closed_at: datetime | None = None
    body: tuple[str, ...] = ()
    fields: tuple[IncidentField, ...] = ()
    links: tuple[Link, ...] = ()
    next_step: str = ""

    def __post_init__(self) -> None:
        if any(at is not None and at.utcoffset() is None for at in (self.opened_at, self.updated_at, self.closed_at)):
            raise ValueError(f"{self.subject}: the times of an incident need a time zone")
        if not (self.subject and self.title and self.owner):
            raise ValueError("an incident needs a subject, a title and an owner")
        if (self.state is State.RECOVERED) != (self.closed_at is not None):
            raise ValueError(f"{self.subject}: a recovered incident, and no other, has a time at which it was closed")

    @property
    def key(self) -> str:
        """The name of this one occurrence, the same for as long as it lives."""
        return f"{self.subject}@{self.opened_at:%Y%m%dT%H%M%SZ}"

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.state is not State.RECOVERED
