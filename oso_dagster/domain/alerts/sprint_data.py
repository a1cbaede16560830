"""Sprints as plain data and back: what the store keeps and programs read as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from oso_dagster.domain.alerts.sprint import Entry, Guilty, ObjectiveFinding, Sprint, SprintPhase
from oso_dagster.domain.objectives.slo import Verdict


def as_data(sprint: Sprint) -> dict[str, Any]:
    """The sprint as JSON has it, with its history; times are ISO 8601."""
    return {
        "key": sprint.key,
        "objective": sprint.objective,
        "service": sprint.finding.service,
        "phase": sprint.phase.value,
        "opened_at": sprint.opened_at.isoformat(),
        "met_since": _text(sprint.met_since),
        "closed_at": _text(sprint.closed_at),
        "assignee": sprint.assignee,
        "acknowledged_by": sprint.acknowledged_by,
        "found": _finding(sprint.finding),
        "history": [
            {"at": entry.at.isoformat(), "what": entry.kind.value, "who": entry.who, "text": entry.text}
            for entry in sprint.history
        ],
    }


def sprint_of(data: Mapping[str, Any], history: Sequence[Entry]) -> Sprint:
    """The sprint that `as_data` wrote; its history is kept beside it."""
    return Sprint(
        finding=_finding_of(data["found"]),
        opened_at=datetime.fromisoformat(data["opened_at"]),
        phase=SprintPhase(data["phase"]),
        met_since=_time(data["met_since"]),
        closed_at=_time(data["closed_at"]),
        assignee=data["assignee"],
        acknowledged_by=data["acknowledged_by"],
        history=tuple(history),
    )


def _finding(finding: ObjectiveFinding) -> dict[str, Any]:
    return {
        "objective": finding.objective,
        "service": finding.service,
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "good": finding.good,
        "valid": finding.valid,
        "target_bp": finding.target_bp,
        "at": finding.at.isoformat(),
        "guilty": [asdict(guilty) for guilty in finding.guilty],
        "next_step": finding.next_step,
    }


def _finding_of(data: Mapping[str, Any]) -> ObjectiveFinding:
    plain = dict(data)
    return ObjectiveFinding(
        verdict=Verdict(plain.pop("verdict")),
        at=datetime.fromisoformat(plain.pop("at")),
        guilty=tuple(Guilty(**guilty) for guilty in plain.pop("guilty")),
        **plain,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
