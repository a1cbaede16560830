"""Incidents as plain data and back: what stores keep and programs read as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Link, Severity, State


def as_data(incident: Incident) -> dict[str, Any]:
    """The incident as JSON has it; times are ISO 8601."""
    return {
        "key": incident.key,
        "subject": incident.subject,
        "kind": incident.kind.value,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "service": incident.service,
        "stability": incident.stability,
        "owner": incident.owner,
        "title": incident.title,
        "body": list(incident.body),
        "fields": [[field.name, field.value] for field in incident.fields],
        "links": [[link.label, link.url] for link in incident.links],
        "next_step": incident.next_step,
        "opened_at": incident.opened_at.isoformat(),
        "updated_at": incident.updated_at.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
    }


def incident_of(data: Mapping[str, Any]) -> Incident:
    """The incident that `as_data` wrote."""
    return Incident(
        subject=data["subject"],
        kind=Kind(data["kind"]),
        severity=Severity(data["severity"]),
        state=State(data["state"]),
        service=data["service"],
        stability=data["stability"],
        owner=data["owner"],
        title=data["title"],
        body=tuple(data["body"]),
        fields=tuple(IncidentField(name, value) for name, value in data["fields"]),
        links=tuple(Link(label, url) for label, url in data["links"]),
        next_step=data["next_step"],
        opened_at=datetime.fromisoformat(data["opened_at"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
        closed_at=datetime.fromisoformat(data["closed_at"]) if data["closed_at"] else None,
    )
