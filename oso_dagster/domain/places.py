"""Where an alert points: the run and the asset in Dagster, the status page, the chapter of the runbook that is about it."""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.domain.incident import Field, Kind, Link

RUNBOOKS = "docs/runbooks.md"


@dataclass(frozen=True)
class Places:
    """Addresses without a slash at the end; without `runbooks` the runbook is named as the file it is.

    `owner` owns what nobody else does: the platform's.
    """

    dagster: str
    status: str
    owner: str
    runbooks: str = ""

    def links(self, kind: Kind, asset: str = "", run_id: str = "") -> tuple[Link, ...]:
        """What somebody who reads of it wants to open, the nearest first."""
        links = [Link("Run", f"{self.dagster}/runs/{run_id}")] if run_id else []
        links += [Link("Asset", f"{self.dagster}/assets/{asset}")] if asset else []
        links += [Link("Status page", self.status)] if self.status else []
        links += [Link("Runbook", f"{self.runbooks}#{anchor(kind)}")] if self.runbooks else []
        return tuple(links)

    def fields(self, kind: Kind) -> tuple[Field, ...]:
        """The runbook as a fact, where it has no address."""
        return () if self.runbooks else (Field("Runbook", f"{RUNBOOKS}#{anchor(kind)}"),)


def anchor(kind: Kind) -> str:
    """The chapter of the runbook about a kind of incident."""
    return kind.value.replace("_", "-")


@dataclass(frozen=True)
class Owned:
    """A measured asset: its class (core, unstable, sqlmesh), whose it is, and the service it counts in."""

    asset: str
    label: str
    owner: str
    service: str
