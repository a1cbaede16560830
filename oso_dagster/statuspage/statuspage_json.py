"""`api/v2/*.json` in the shapes of Atlassian Statuspage, so that the clients which people already have can read the page.

Statuspage has no word for "nothing was measured": components without data are left out here; `slo.json` has them. Links are
absolute where the page knows its address. Components are in `statuspage_components`.

Which files clients ask for, and that `created_at` is text to them: https://www.npmjs.com/package/statuspage.io (3.1.1), Grafana's
data source for Statuspage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import PublicIncident, PublicPhase, Update, Work, WorkState
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.statuspage_components import components_of, identifier, page_id, touched_by
from oso_dagster.statuspage.words import instant

MOST_INCIDENTS = 50

_INDICATORS = {Verdict.COMPLIANT: "none", Verdict.AT_RISK: "minor", Verdict.BREACHED: "major", Verdict.NO_DATA: "minor"}
_PHASES = {PublicPhase.OPEN: "investigating", PublicPhase.WATCHED: "monitoring", PublicPhase.OVER: "resolved"}
_WORKS = {WorkState.PLANNED: "scheduled", WorkState.RUNNING: "in_progress", WorkState.DONE: "completed"}


def files(page: StatusPage) -> dict[str, str]:
    """`summary`, `status`, `components`, `incidents` and `scheduled-maintenances`, as a Statuspage serves them."""
    components = components_of(page)
    parts = {component["id"]: component for component in components}
    works = [_maintenance(page, work, parts) for work in page.works]
    unresolved = [_incident(page, incident, parts) for incident in page.incidents]
    resolved = [_incident(page, incident, parts) for incident in page.past]
    head, status = {"page": _page(page)}, {"status": {"indicator": _indicator(page), "description": page.headline}}
    ahead = [work for work in works if work["status"] != "completed"]
    summary = {"components": components, "incidents": unresolved, "scheduled_maintenances": ahead}
    documents: dict[str, dict[str, Any]] = {
        "summary": head | summary | status,
        "status": head | status,
        "components": head | {"components": components},
        "incidents": head | {"incidents": (unresolved + resolved)[:MOST_INCIDENTS]},
        "incidents/unresolved": head | {"incidents": unresolved},
        "scheduled-maintenances": head | {"scheduled_maintenances": works[::-1]},
        "scheduled-maintenances/upcoming": head
        | {"scheduled_maintenances": [work for work in ahead if work["status"] == "scheduled"]},
        "scheduled-maintenances/active": head
        | {"scheduled_maintenances": [work for work in ahead if work["status"] != "scheduled"]},
    }
    return {f"api/v2/{name}.json": json.dumps(value, indent=1) + "\n" for name, value in documents.items()}


def _indicator(page: StatusPage) -> str:
    running = page.works_that_are(WorkState.RUNNING)
    return "maintenance" if running and page.verdict is Verdict.COMPLIANT else _INDICATORS[page.verdict]


def _page(page: StatusPage) -> dict[str, Any]:
    name = "Open Source Observer" + ("" if page.is_live else f" ({page.world} world)")
    values = {"id": page_id(page), "name": name, "url": addresses.absolute(page.address, addresses.INDEX), "time_zone": "Etc/UTC"}
    return values | {"updated_at": instant(page.generated_at)}


def _incident(page: StatusPage, incident: PublicIncident, parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    key = identifier("incident", page.world, incident.key)
    touched = [parts[name] for name in touched_by(page, incident.objective, *incident.affected) if name in parts]
    watched = [update.at for update in incident.timeline if update.phase is PublicPhase.WATCHED]
    return _event(page, incident.key, key, incident.title) | {
        "status": _PHASES[incident.phase] if incident.until is None else _status(incident.timeline[-1]),
        "created_at": instant(incident.since),
        "updated_at": instant(incident.changed_at),
        "monitoring_at": instant(watched[-1]) if watched else None,
        "resolved_at": None if incident.until is None else instant(incident.until),
        "impact": _INDICATORS[incident.verdict],
        "started_at": instant(incident.since),
        "incident_updates": _updates(key, [(_status(update), update) for update in incident.timeline], touched),
        "components": touched,
    }


def _status(update: Update) -> str:
    return "postmortem" if update.postmortem else _PHASES[update.phase]


def _maintenance(page: StatusPage, work: Work, parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    key, state = identifier("maintenance", page.world, work.key), work.state(page.generated_at)
    touched = [parts[name] for name in touched_by(page, work.scope) if name in parts]
    reached = work.changed_at(page.generated_at)
    return _event(page, work.key, key, f"Maintenance: {work.title}") | {
        "status": _WORKS[state],
        "created_at": instant(work.declared_at or min(work.start, reached)),
        "updated_at": instant(reached),
        "monitoring_at": None,
        "resolved_at": instant(work.end) if state is WorkState.DONE else None,
        "impact": "maintenance",
        "started_at": None if state is WorkState.PLANNED else instant(work.start),
        "scheduled_for": instant(work.start),
        "scheduled_until": instant(work.end),
        "incident_updates": _updates(key, [(_WORKS[state], Update(reached, work.reason))], touched),
        "components": touched,
    }


def _event(page: StatusPage, name: str, key: str, title: str) -> dict[str, Any]:
    link = addresses.absolute(page.address, f"{addresses.HISTORY}#{addresses.slug(name)}")
    return {"id": key, "name": title, "shortlink": link, "page_id": page_id(page), "reminder_intervals": None}


def _updates(incident: str, timeline: list[tuple[str, Update]], touched: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest first. An update is known by its place, which stays: a timeline only grows."""
    updates = [_update(incident, number, status, update, touched) for number, (status, update) in enumerate(timeline)]
    return updates[::-1]


def _update(incident: str, number: int, status: str, update: Update, touched: list[dict[str, Any]]) -> dict[str, Any]:
    at = _times(update.at)
    values = {"id": identifier(incident, str(number)), "status": status, "body": update.text, "incident_id": incident}
    affected = [{"code": part["id"], "name": part["name"], "new_status": part["status"]} for part in touched]
    quiet = {"deliver_notifications": False, "custom_tweet": None, "tweet_id": None}
    return values | at | {"affected_components": affected or None} | quiet


def _times(moment: datetime) -> dict[str, str]:
    at = instant(moment)
    return {"created_at": at, "updated_at": at, "display_at": at}
