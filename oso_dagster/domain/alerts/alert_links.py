"""What an alert links to: the run and the asset in Dagster, the status page, the chapter of the runbook about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Link
from oso_dagster.domain.catalogue.terms import Schedule

RUNBOOKS = "docs/runbooks.md"
RUNBOOK = "Runbook"
"""The label of the link to the runbook, or of the field that names it."""


@dataclass(frozen=True)
class AlertLinks:
    """Addresses without a slash at the end; without `runbooks` the runbook is named as the file it is.

    `owner` owns what nobody else does: the platform's.
    """

    dagster: str
    status: str
    owner: str
    runbooks: str = ""

    def links(self, kind: Kind, asset: str = "", run_id: str = "") -> tuple[Link, ...]:
        """The links of an alert, the most specific first."""
        links = [Link("Run", f"{self.dagster}/runs/{run_id}")] if run_id else []
        links += [Link("Asset", f"{self.dagster}/assets/{asset}")] if asset else []
        links += [Link("Status page", self.status)] if self.status else []
        links += [Link(RUNBOOK, f"{self.runbooks}#{anchor(kind)}")] if self.runbooks else []
        return tuple(links)

    def fields(self, kind: Kind) -> tuple[IncidentField, ...]:
        """The runbook as a field, where it has no address."""
        return () if self.runbooks else (IncidentField(RUNBOOK, f"{RUNBOOKS}#{anchor(kind)}"),)


def anchor(kind: Kind) -> str:
    """The chapter of the runbook about a kind of incident."""
    return kind.value.replace("_", "-")


def runbook_like(others: Iterable[Incident], kind: Kind) -> tuple[tuple[IncidentField, ...], tuple[Link, ...]]:
    """The runbook of an incident that summarises others: as a field or as a link, whichever those have."""
    incidents = list(others)
    facts = (fact.value for incident in incidents for fact in incident.fields if fact.name == RUNBOOK)
    addresses = (link.url for incident in incidents for link in incident.links if link.label == RUNBOOK)
    return (
        tuple(IncidentField(RUNBOOK, _chapter(value, kind)) for value in islice(facts, 1)),
        tuple(Link(RUNBOOK, _chapter(value, kind)) for value in islice(addresses, 1)),
    )


def _chapter(address: str, kind: Kind) -> str:
    return f"{address.partition('#')[0]}#{anchor(kind)}"


@dataclass(frozen=True)
class OwnedAsset:
    """A measured asset: its class (core, unstable, sqlmesh), whose it is, and the service it counts in.

    `schedule` is when it is loaded, where that is known; `readers` are the published models computed from it, however indirectly.
    """

    asset: str
    label: str
    owner: str
    service: str
    schedule: Schedule | None = None
    readers: tuple[str, ...] = ()
