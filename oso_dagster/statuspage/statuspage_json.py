"""`api/v2/*.json` in the shapes of Atlassian Statuspage, so that the clients which people already have can read the page.

Statuspage has no word for "nothing was measured": components without data are left out here; `slo.json` has them. Services and
groups of data are component groups, objectives and data sets their components. Links are relative to the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from oso_dagster.domain.slo import Verdict
from oso_dagster.domain.status import Incident, ObjectiveState, StatusPage
from oso_dagster.domain.status_data import DataSet
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.words import instant

MOST_INCIDENTS = 50

_INDICATORS = {Verdict.COMPLIANT: "none", Verdict.AT_RISK: "minor", Verdict.BREACHED: "major", Verdict.NO_DATA: "minor"}
_OBJECTIVES = {
    Verdict.COMPLIANT: "operational",
    Verdict.AT_RISK: "degraded_performance",
    Verdict.BREACHED: "partial_outage",
}
_SETS = {"fresh": "operational", "not_due": "operational", "no_promise": "operational", "stale": "degraded_performance"}
_SEVERITY = ("operational", "degraded_performance", "partial_outage")


def files(page: StatusPage) -> dict[str, str]:
    """`summary`, `status`, `components` and `incidents`, as a Statuspage serves them."""
    head = {"page": _page(page)}
    status = {"status": {"indicator": _INDICATORS[page.verdict], "description": page.headline}}
    components = {"components": list(_components(page))}
    unresolved = {"incidents": [_incident(page, one) for one in page.incidents], "scheduled_maintenances": []}
    every = {"incidents": [_incident(page, one) for one in (*page.incidents, *page.past)[:MOST_INCIDENTS]]}
    found = {
        "summary": head | components | unresolved | status,
        "status": head | status,
        "components": head | components,
        "incidents": head | every,
    }
    return {f"api/v2/{name}.json": json.dumps(value, indent=1) + "\n" for name, value in found.items()}


def identifier(*names: str) -> str:
    """Twelve characters that stay the same as long as the names do."""
    return sha256("\0".join(names).encode(errors="surrogatepass")).hexdigest()[:12]


def _page(page: StatusPage) -> dict[str, Any]:
    name = "Open Source Observer" + ("" if page.is_live else f" ({page.world} world)")
    values = {"id": _page_id(page), "name": name, "url": "../../index.html", "time_zone": "Etc/UTC"}
    return values | {"updated_at": instant(page.generated_at)}


def _page_id(page: StatusPage) -> str:
    return identifier("page", page.world)


def _components(page: StatusPage) -> Iterator[dict[str, Any]]:
    for service in page.services:
        inside = [one for one in service.objectives if one.verdict is not Verdict.NO_DATA]
        parts = [_objective(page, service.name, one) for one in inside]
        yield from _group(page, ("service", service.name), service.title, service.explanation, parts)
    for group in page.groups:
        parts = [_data_set(page, group.name, one) for one in group.sets if one.state in _SETS]
        yield from _group(page, ("group", group.name), group.title, None, parts)


def _group(
    page: StatusPage, key: tuple[str, str], name: str, text: str | None, parts: list[dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    if not parts:
        return []
    worst = max((part["status"] for part in parts), key=_SEVERITY.index)
    head = _component(page, identifier(*key), name, worst, text, page.generated_at)
    inside = {"group": True, "components": [part["id"] for part in parts]}
    return [head | inside, *({**part, "position": number} for number, part in enumerate(parts, start=1))]


def _objective(page: StatusPage, service: str, one: ObjectiveState) -> dict[str, Any]:
    moment = one.evaluated_at or page.generated_at
    part = _component(page, identifier("objective", one.id), one.title, _OBJECTIVES[one.verdict], one.summary, moment)
    return part | {"group_id": identifier("service", service)}


def _data_set(page: StatusPage, group: str, one: DataSet) -> dict[str, Any]:
    moment = one.last_good or page.generated_at
    part = _component(page, identifier("data", one.asset), one.asset, _SETS[one.state], one.title, moment)
    return part | {"group_id": identifier("group", group)}


def _component(page: StatusPage, key: str, name: str, status: str, text: str | None, moment: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "status": status,
        "created_at": None,
        "updated_at": instant(moment),
        "position": 1,
        "description": text,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": _page_id(page),
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(page: StatusPage, one: Incident) -> dict[str, Any]:
    key = identifier("incident", page.world, one.key)
    updates = [_update(key, "investigating", one.title if one.until else one.text, one.since)]
    if one.until is not None:
        updates.insert(0, _update(key, "resolved", one.text, one.until))
    return {
        "id": key,
        "name": one.title,
        "status": updates[0]["status"],
        "created_at": instant(one.since),
        "updated_at": instant(one.changed_at),
        "monitoring_at": None,
        "resolved_at": None if one.until is None else instant(one.until),
        "impact": _INDICATORS[one.verdict],
        "shortlink": f"../../{addresses.HISTORY}#{addresses.slug(one.key)}",
        "started_at": instant(one.since),
        "page_id": _page_id(page),
        "incident_updates": updates,
        "components": [],
        "reminder_intervals": None,
    }


def _update(incident: str, status: str, body: str, moment: datetime) -> dict[str, Any]:
    at = instant(moment)
    values = {"id": identifier(incident, status), "status": status, "body": body, "incident_id": incident}
    times = {"created_at": at, "updated_at": at, "display_at": at}
    return values | times | {"affected_components": None, "deliver_notifications": False, "custom_tweet": None, "tweet_id": None}
