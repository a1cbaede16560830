"""One message for many incidents: the daily digest of unstable data, the summary of a storm. Both are incidents themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from oso_dagster.domain.alerts.alert_links import runbook_like
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Severity, State

DIGEST = "digest"
"""Where incidents of unstable data are collected, and the subject of the digest."""

STORM = "storm"
"""The subject of a storm."""

_NAMED = 40


def digest_of(members: Sequence[Incident], now: datetime) -> Incident:
    """What is wrong with unstable data, and what has recovered since the last digest."""
    still, over = _split(members)
    facts, links = runbook_like(members, Kind.DIGEST)
    return Incident(
        subject=DIGEST,
        kind=Kind.DIGEST,
        severity=Severity.INFO,
        service=_common(member.service for member in members),
        stability=_common(member.stability for member in members),
        owner=_owners(members),
        title=f"Unstable data: {len(still)} open, {len(over)} recovered",
        opened_at=now,
        updated_at=now,
        body=_lines(members),
        fields=(IncidentField("Still open", str(len(still))), IncidentField("Recovered", str(len(over))), *facts),
        links=links,
        next_step="Fix your own tables when you have time; a table that stays broken for long is proposed for removal."
        if still
        else "",
    )


def storm_of(members: Sequence[Incident], opened_at: datetime, now: datetime | None = None) -> Incident:
    """Many things that went wrong at once, as one incident; over when all of them are."""
    still, over = _split(members)
    at, open_ = now or opened_at, bool(still) or not members
    facts, links = runbook_like(members, Kind.STORM)
    return Incident(
        subject=STORM,
        kind=Kind.STORM,
        severity=min((member.severity for member in members), key=lambda severity: severity.rank, default=Severity.TICKET),
        service=_common(member.service for member in members),
        stability=_common(member.stability for member in members),
        owner=_owners(members) or "nobody",
        title=f"Many incidents at once: {len(members)} in this summary",
        opened_at=opened_at,
        updated_at=at,
        state=State.OPEN if open_ else State.RECOVERED,
        closed_at=None if open_ else at,
        body=_lines(members),
        fields=(IncidentField("Still open", str(len(still))), IncidentField("Recovered", str(len(over))), *facts),
        links=links,
        next_step="Find what they have in common (an upstream, a credential, a machine) and fix that first." if still else "",
    )


def _split(members: Sequence[Incident]) -> tuple[list[Incident], list[Incident]]:
    return [member for member in members if member.open], [member for member in members if not member.open]


def _lines(members: Sequence[Incident]) -> tuple[str, ...]:
    ordered = sorted(members, key=lambda member: (not member.open, member.severity.rank, member.subject))
    lines = [f"{'' if member.open else 'recovered: '}{member.title} ({member.owner})" for member in ordered[:_NAMED]]
    return (*lines, *([f"and {len(members) - _NAMED} more"] if len(members) > _NAMED else []))


def _owners(members: Sequence[Incident]) -> str:
    return ", ".join(sorted({name for member in members for name in member.owner.split(", ")}))


def _common(values: Iterable[str]) -> str:
    """What all of them have in common, or nothing."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else ""
