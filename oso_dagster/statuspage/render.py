"""The status page as files: name → text. Nothing is read but the page's own templates, and nothing is written.

Here is which pages there are and what each one is given. How they look is in `templates`, the files for programs are in
`slo_json`, `statuspage_json`, `atom` and `badges`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.status.data_sets import DataGroup, DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import PublicIncident, Work
from oso_dagster.statuspage import addresses, atom, badges, heartbeat, slo_json, statuspage_json
from oso_dagster.statuspage.templating import environment

MOST_BYTES = 100_000
"""A first page that would be larger names groups instead of data sets, and the data sets that need attention."""

_MOST_URGENT = 15
_MOST_INCIDENTS = 10
_MOST_HOLES = 100
_SHELVES = {
    Label.CORE: ("Core sources", "Raw data that is held to strict objectives."),
    Label.UNSTABLE: ("Unstable sources", "Raw data that is held to loose objectives, and may be removed."),
    Label.SQLMESH: ("Derived data", "What is computed from the sources, and published."),
}


def render(page: StatusPage) -> dict[str, str]:
    """Make every file of the page, the first page last; the same page gives the same bytes."""
    programs = slo_json.files(page) | statuspage_json.files(page) | atom.files(page) | badges.files(page)
    *pages, (first, content) = _Pages(page).all()
    files = programs | dict(pages)
    return files | {addresses.HEARTBEAT: heartbeat.text(page, files | {first: content}), first: content}


@dataclass(frozen=True)
class _Pages:
    """Renders the pages for people."""

    page: StatusPage

    def all(self) -> Iterator[tuple[str, str]]:
        """Path and text of each, the first page last."""
        for group in self.page.groups:
            yield from (self._data_set(group, data_set) for data_set in group.sets)
            yield self._render(f"{addresses.group(group.name)}.html", "group.html", group=group)
        for service in self.page.services:
            incidents = [incident for incident in (*self.page.incidents, *self.page.past) if incident.service == service.name]
            works = [work for work in self._works if work.service == service.name]
            values = {"service": service, "incidents": incidents, "maintenance": works, "happened": partial(_happened, incidents)}
            yield self._render(f"{addresses.service(service.name)}.html", "service.html", **values)
        yield self._render(addresses.HOW, "how.html")
        yield self._render(addresses.HISTORY, "history.html")
        path, text = self._first(brief=False)
        yield (path, text) if len(text.encode()) < MOST_BYTES else self._first(brief=True)

    def _data_set(self, group: DataGroup, data_set: DataSet) -> tuple[str, str]:
        incidents = [incident for incident in self.page.incidents if data_set.asset in incident.affected]
        works = [work for work in self._works if work.scope == data_set.asset]
        values = {"group": group, "one": data_set, "incidents": incidents, "maintenance": works, "most_holes": _MOST_HOLES}
        return self._render(f"{addresses.data_set(data_set.asset)}.html", "data.html", **values)

    def _first(self, *, brief: bool) -> tuple[str, str]:
        """The first page, with every data set or with their groups only."""
        groups = self.page.groups
        shelves = [(*heading, [group for group in groups if group.labels[:1] == (label,)]) for label, heading in _SHELVES.items()]
        urgent = [(group, data_set) for group in groups for data_set in group.sets if data_set.needs_attention]
        shown = groupby(urgent[:_MOST_URGENT], key=lambda pair: pair[0])
        values = {
            "brief": brief,
            "shelves": [shelf for shelf in shelves if shelf[-1]],
            "urgent": [
                DataGroup(of.name, of.title, of.homepage, tuple(data_set for _, data_set in pairs)) for of, pairs in shown
            ],
            "more_urgent": max(len(urgent) - _MOST_URGENT, 0),
            "most_incidents": _MOST_INCIDENTS,
        }
        return self._render(addresses.INDEX, "index.html", **values)

    @cached_property
    def _works(self) -> tuple[Work, ...]:
        return self.page.works_at_hand

    @cached_property
    def _names(self) -> frozenset[str]:
        """The data sets that have a page."""
        return frozenset(data_set.asset for group in self.page.groups for data_set in group.sets)

    def _render(self, path: str, template: str, **more: Any) -> tuple[str, str]:
        values = {"page": self.page, "now": self.page.generated_at, "path": path, "root": addresses.root_of(path), **more}
        text = environment().get_template(template).render(values | {"pages": self._names})
        return path, text.encode(errors="replace").decode()


def _happened(incidents: Sequence[PublicIncident], objective: ObjectiveState, day: DayHistory) -> list[PublicIncident]:
    """The incidents of an objective that were open on a day."""
    start = datetime.combine(day.day, time(), UTC)
    return [
        incident
        for incident in incidents
        if incident.objective == objective.id and incident.touches(start, start + timedelta(days=1))
    ]
