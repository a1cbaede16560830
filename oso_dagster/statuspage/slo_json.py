"""`slo.json`: all that the page says, for programs, and `slo.schema.json`, which names every field that is public."""

from __future__ import annotations

import json
from importlib.resources import files as package_files
from typing import Any

from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.status.data_sets import DataGroup, DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, Update, Work
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.words import instant

VERSION = 1
"""Goes up when a field changes its meaning or goes away; a new field is no new version."""


def files(page: StatusPage) -> dict[str, str]:
    """The document and its schema."""
    schema = package_files("oso_dagster.statuspage").joinpath("templates/slo.schema.json").read_text(encoding="utf-8")
    document = {
        "$schema": addresses.SCHEMA,
        "version": VERSION,
        "world": page.world,
        "generated_at": instant(page.generated_at),
        "stale_after_seconds": int(page.stale_after.total_seconds()),
        "verdict": page.verdict.value,
        "headline": page.headline,
        "services": [_service(service) for service in page.services],
        "groups": [_group(group) for group in page.groups],
        "incidents": [_incident(incident) for incident in (*page.incidents, *page.past)],
        "maintenance": [_work(work, page) for work in page.works],
        "notices": list(page.notices),
        "announcements": [_announcement(announcement) for announcement in page.announcements],
    }
    return {addresses.SCHEMA: schema, addresses.SLO: json.dumps(document, separators=(",", ":")) + "\n"}


def _service(service: ServiceState) -> dict[str, Any]:
    return {
        "name": service.name,
        "title": service.title,
        "verdict": service.verdict.value,
        "objectives": [_objective(objective) for objective in service.objectives],
    }


def _objective(objective: ObjectiveState) -> dict[str, Any]:
    return {
        "id": objective.id,
        "title": objective.title,
        "verdict": objective.verdict.value,
        "good": objective.good,
        "valid": objective.valid,
        "target_bp": objective.target,
        "each": objective.each,
        "window_seconds": None if objective.window is None else int(objective.window.total_seconds()),
        "budget": objective.budget_text,
        "allowed_failures": objective.allowed,
        "minutes_left": objective.minutes_left,
        "burn": objective.burn_text,
        "met_again_at": None if objective.recovers is None else instant(objective.recovers),
        "summary": objective.summary,
        "guilty": list(objective.guilty),
        "evaluated_at": None if objective.evaluated_at is None else instant(objective.evaluated_at),
        "days": [_day(day) for day in objective.days],
    }


def _day(day: DayHistory) -> dict[str, Any]:
    values = {"day": day.day.isoformat(), "verdict": day.verdict.value, "good": day.good, "valid": day.valid}
    return values | {"evaluations": day.evaluations}


def _group(group: DataGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "title": group.title,
        "homepage": group.homepage,
        "data_sets": [_data_set(item) for item in group.sets],
    }


def _data_set(data_set: DataSet) -> dict[str, Any]:
    return {
        "asset": data_set.asset,
        "title": data_set.title,
        "stability": data_set.label.value,
        "tainted_by": list(data_set.tainted_by),
        "owner": data_set.owner,
        "rows": data_set.rows,
        "last_good": None if data_set.last_good is None else instant(data_set.last_good),
        "fresh_within_seconds": None if data_set.fresh_within is None else int(data_set.fresh_within.total_seconds()),
        "partitions": None if data_set.partitions is None else data_set.partitions.value,
        "due_after_seconds": None if data_set.due_after is None else int(data_set.due_after.total_seconds()),
        "stale_because": data_set.stale_because,
        "newest_event": None if data_set.newest_event is None else instant(data_set.newest_event),
        "events_within_seconds": None if data_set.events_within is None else int(data_set.events_within.total_seconds()),
        "freshness": None if data_set.freshness is None else data_set.freshness.value,
        "due_partitions": data_set.due_partitions,
        "missing_partitions": list(data_set.holes),
        "fresh_seconds": int(data_set.fresh_for.total_seconds()),
        "fresh_of_seconds": int(data_set.promised_for.total_seconds()),
    }


def _incident(incident: PublicIncident) -> dict[str, Any]:
    return {
        "key": incident.key,
        "sprint": incident.sprint,
        "phase": incident.phase.value,
        "objective": incident.objective,
        "title": incident.title,
        "text": incident.text,
        "affected": list(incident.affected),
        "owners": list(incident.owners),
        "since": instant(incident.since),
        "until": None if incident.until is None else instant(incident.until),
        "updates": [_update(update) for update in incident.updates],
    }


def _update(update: Update) -> dict[str, Any]:
    return {"at": instant(update.at), "phase": update.phase.value, "text": update.text, "postmortem": update.postmortem}


def _announcement(announcement: PublicAnnouncement) -> dict[str, Any]:
    until = None if announcement.until is None else instant(announcement.until)
    return {"key": announcement.key, "text": announcement.text, "at": instant(announcement.at), "until": until}


def _work(work: Work, page: StatusPage) -> dict[str, Any]:
    times = {"start": instant(work.start), "end": instant(work.end)}
    return {"key": work.key, "scope": work.scope, "reason": work.reason, "state": work.state(page.generated_at).value, **times}
