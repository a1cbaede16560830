"""The components of a Statuspage: services and groups of data are component groups, objectives and data sets their components.

What is under maintenance and otherwise well says so; maintenance never hides that something is worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import WorkState
from oso_dagster.statuspage.words import instant

_OBJECTIVES = {
    Verdict.COMPLIANT: "operational",
    Verdict.AT_RISK: "degraded_performance",
    Verdict.BREACHED: "partial_outage",
}
_SETS = {"fresh": "operational", "not_due": "operational", "no_promise": "operational", "stale": "degraded_performance"}
_BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
"""When a component was created, which nobody knows here and clients want as text: a time that stays."""
_SEVERITY = ("operational", "under_maintenance", "degraded_performance", "partial_outage")


def components_of(page: StatusPage) -> list[dict[str, Any]]:
    """Every group, followed by its components."""
    components = list(_all(page))
    running = {name for work in page.works_that_are(WorkState.RUNNING) for name in touched_by(page, work.scope)}
    for component in components:
        if component["id"] in running and component["status"] == "operational":
            component["status"] = "under_maintenance"
    return components


def touched_by(page: StatusPage, *names: str) -> list[str]:
    """The ids of what has one of these names: a service and its objectives, an objective, a data set."""
    ids = []
    for service in page.services:
        whole = service.name in names
        ids += [identifier("service", service.name)] * whole
        ids += [identifier("objective", objective.id) for objective in service.objectives if whole or objective.id in names]
    ids += [identifier("data", data_set.asset) for group in page.groups for data_set in group.sets if data_set.asset in names]
    return ids


def identifier(*names: str) -> str:
    """Twelve characters that stay the same as long as the names do."""
    return sha256("\0".join(names).encode(errors="surrogatepass")).hexdigest()[:12]


def page_id(page: StatusPage) -> str:
    """The id of the page: another one in another world."""
    return identifier("page", page.world)


def _all(page: StatusPage) -> Iterator[dict[str, Any]]:
    for service in page.services:
        inside = [objective for objective in service.objectives if objective.verdict is not Verdict.NO_DATA]
        parts = [_objective(page, service.name, objective) for objective in inside]
        yield from _group(page, ("service", service.name), service.title, service.explanation, parts)
    for group in page.groups:
        parts = [_data_set(page, group.name, data_set) for data_set in group.sets if data_set.state in _SETS]
        yield from _group(page, ("group", group.name), group.title, None, parts)


def _group(
    page: StatusPage, key: tuple[str, str], name: str, text: str | None, parts: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    if not parts:
        return
    worst = max((part["status"] for part in parts), key=_SEVERITY.index)
    head = _component(page, identifier(*key), name, worst, text, page.generated_at)
    yield head | {"group": True, "components": [part["id"] for part in parts]}
    yield from ({**part, "position": number} for number, part in enumerate(parts, start=1))


def _objective(page: StatusPage, service: str, objective: ObjectiveState) -> dict[str, Any]:
    moment = objective.evaluated_at or page.generated_at
    part = _component(
        page, identifier("objective", objective.id), objective.title, _OBJECTIVES[objective.verdict], objective.summary, moment
    )
    return part | {"group_id": identifier("service", service)}


def _data_set(page: StatusPage, group: str, data_set: DataSet) -> dict[str, Any]:
    moment = data_set.last_good or page.generated_at
    part = _component(page, identifier("data", data_set.asset), data_set.asset, _SETS[data_set.state], data_set.title, moment)
    return part | {"group_id": identifier("group", group)}


def _component(page: StatusPage, key: str, name: str, status: str, text: str | None, moment: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "status": status,
        "created_at": instant(_BEGAN),
        "updated_at": instant(moment),
        "position": 1,
        "description": text,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": page_id(page),
        "group": False,
        "only_show_if_degraded": False,
    }
