"""Announcements of an incident, in order, and the channels that they go to.

Does not belong here: whether one is due (`domain.alerts.announcing`), how it is delivered (`alerting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oso_dagster.domain.alerts.incident import Incident, Severity

LOG = "log"
"""The name of the channel that is always there."""


class AnnouncementKind(StrEnum):
    """Why an incident is announced. All but `reminded` show its state and replace each other; a reminder is an extra message."""

    RAISED = "raised"
    UPDATED = "updated"
    REMINDED = "reminded"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Announcement:
    """One announcement: the incident as it then was. `sequence` counts from 1 within an incident."""

    kind: AnnouncementKind
    sequence: int
    incident: Incident
    world: str
    at: datetime

    def __post_init__(self) -> None:
        if self.sequence < 1:
            raise ValueError("announcements are counted from 1")
        if (self.kind is AnnouncementKind.RECOVERED) == self.incident.open:
            raise ValueError(f"{self.incident.key}: {self.kind} does not fit an incident that is {self.incident.state}")

    @property
    def key(self) -> str:
        """The idempotency key: what was delivered twice shows the same one."""
        return f"{self.incident.key}#{self.sequence}"


@dataclass(frozen=True)
class Route:
    """What the channel `name` receives: incidents at least as severe as `least`, of `services` (all where empty)."""

    name: str
    least: Severity = Severity.INFO
    services: frozenset[str] = frozenset()

    def takes(self, incident: Incident) -> bool:
        """Whether the channel receives an incident."""
        return incident.severity.rank <= self.least.rank and (not self.services or incident.service in self.services)


def addressed(incident: Incident, routes: Iterable[Route]) -> tuple[str, ...]:
    """The channels that receive an incident; the log always does."""
    return (LOG, *sorted({route.name for route in routes if route.takes(incident)} - {LOG}))
