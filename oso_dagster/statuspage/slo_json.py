"""`slo.json`: all that the page says, for programs, and `slo.schema.json`, which names every field that is public."""

from __future__ import annotations

import json
from importlib.resources import files as package_files
from typing import Any

from oso_dagster.domain.objectives.history import DayHistory
from oso_dagster.domain.status.data_sets import DataGroup, DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicIncident, Work
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
        "services": [_service(one) for one in page.services],
        "groups": [_group(one) for one in page.groups],
        "incidents": [_incident(one) for one in (*page.incidents, *page.past)],
        "maintenance": [_work(one, page) for one in page.works],
        "notices": list(page.notices),
    }
    return {addresses.SCHEMA: schema, addresses.SLO: json.dumps(document, separators=(",", ":")) + "\n"}


def _service(one: ServiceState) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "verdict": one.verdict.value,
        "objectives": [_objective(objective) for objective in one.objectives],
    }


def _objective(one: ObjectiveState) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "verdict": one.verdict.value,
        "good": one.good,
        "valid": one.valid,
        "target_bp": one.target,
        "each": one.each,
        "window_seconds": None if one.window is None else int(one.window.total_seconds()),
        "budget": one.budget_text,
        "allowed_failures": one.allowed,
        "minutes_left": one.minutes_left,
        "burn": one.burn_text,
        "met_again_at": None if one.recovers is None else instant(one.recovers),
        "summary": one.summary,
        "guilty": list(one.guilty),
        "evaluated_at": None if one.evaluated_at is None else instant(one.evaluated_at),
        "days": [_day(day) for day in one.days],
    }


def _day(one: DayHistory) -> dict[str, Any]:
    values = {"day": one.day.isoformat(), "verdict": one.verdict.value, "good": one.good, "valid": one.valid}
    return values | {"evaluations": one.evaluations}


def _group(one: DataGroup) -> dict[str, Any]:
    return {"name": one.name, "title": one.title, "homepage": one.homepage, "data_sets": [_data_set(item) for item in one.sets]}


def _data_set(one: DataSet) -> dict[str, Any]:
    return {
        "asset": one.asset,
        "title": one.title,
        "stability": one.label.value,
        "tainted_by": list(one.tainted_by),
        "owner": one.owner,
        "rows": one.rows,
        "last_good": None if one.last_good is None else instant(one.last_good),
        "fresh_within_seconds": None if one.fresh_within is None else int(one.fresh_within.total_seconds()),
        "newest_event": None if one.newest_event is None else instant(one.newest_event),
        "events_within_seconds": None if one.events_within is None else int(one.events_within.total_seconds()),
        "freshness": None if one.freshness is None else one.freshness.value,
        "due_partitions": one.due_partitions,
        "missing_partitions": list(one.holes),
        "fresh_seconds": int(one.fresh_for.total_seconds()),
        "fresh_of_seconds": int(one.promised_for.total_seconds()),
    }


def _incident(one: PublicIncident) -> dict[str, Any]:
    return {
        "key": one.key,
        "sprint": one.sprint,
        "phase": one.phase.value,
        "objective": one.objective,
        "title": one.title,
        "text": one.text,
        "affected": list(one.affected),
        "owners": list(one.owners),
        "since": instant(one.since),
        "until": None if one.until is None else instant(one.until),
        "updates": [{"at": instant(said.at), "phase": said.phase.value, "text": said.text} for said in one.updates],
    }


def _work(one: Work, page: StatusPage) -> dict[str, Any]:
    times = {"start": instant(one.start), "end": instant(one.end)}
    return {"key": one.key, "scope": one.scope, "reason": one.reason, "state": one.state(page.generated_at).value, **times}
