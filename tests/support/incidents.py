"""Announcements and tasks for tests of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Link, Severity, State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Task:
    """A delivery without an outbox."""

    announcement: Announcement
    message_id: str | None = None
    perhaps_sent: bool = False
    attempts: int = 0
    channel: str = "discord"


def incident(**changes: Any) -> Incident:
    """An incident as they are; keywords override."""
    values: dict[str, Any] = {
        "subject": "stale_asset:shop/things",
        "kind": Kind.STALE_ASSET,
        "severity": Severity.PAGE,
        "service": "core_source_data",
        "stability": "core",
        "owner": "team:shop",
        "title": "shop/things is stale",
        "opened_at": NOON,
        "updated_at": NOON,
        "body": ("last arrived 2026-02-27 11:00 UTC, promised within 1 d",),
        "fields": (IncidentField("Asset", "shop/things"),),
        "links": (Link("run 4f1c", "http://127.0.0.1:3000/runs/4f1c"), Link("status page", "https://status.example.org/")),
        "next_step": "Look at the failed runs of shop/things, fix the cause, and materialize it again.",
    }
    return Incident(**values | changes)


def over(**changes: Any) -> Incident:
    """The same, recovered two hours later."""
    later = NOON + timedelta(hours=2)
    return incident(**{"state": State.RECOVERED, "closed_at": later, "updated_at": later} | changes)


def announcement(
    kind: AnnouncementKind = AnnouncementKind.RAISED, sequence: int = 1, about: Incident | None = None, world: str = "live"
) -> Announcement:
    """Something said of it."""
    about = about or (over() if kind is AnnouncementKind.RECOVERED else incident())
    return Announcement(kind, sequence, about, world, about.updated_at)
