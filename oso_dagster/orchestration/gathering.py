"""Gathers what the public may see from the store and the catalogue into the read model of the status page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.objectives import OBJECTIVES, SERVICES
from oso_dagster.domain.slo import Objective, Verdict
from oso_dagster.domain.source import Source
from oso_dagster.domain.status import DataGroup, DataSet, Incident, ObjectiveState, ServiceState, StatusPage
from oso_dagster.reliability.ledger import LastGood
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import FreshnessRow, Store
from oso_dagster.settings import Settings

_PUBLISHED_LAYER = "sqlmesh/marts"


def gather(
    settings: Settings,
    sources: Sequence[Source],
    models: Sequence[dg.AssetSpec],
    store: Store,
    stale_after: timedelta,
    now: datetime,
) -> StatusPage:
    """The page's read model at `now`."""
    verdicts = {(row.service, row.objective): row for row in store.latest_verdicts()}
    fresh = {row.asset: row for row in store.freshness()}
    standing = store.results.standing_alerts()
    services = tuple(_service(name, verdicts) for name in SERVICES)
    published = [spec for spec in models if spec.group_name == _PUBLISHED_LAYER]
    return StatusPage(
        world=settings.world.value,
        generated_at=now,
        stale_after=stale_after,
        services=services,
        groups=(*(_source_group(source, fresh) for source in sources), _model_group(published, store.ledger.last_good())),
        incidents=tuple(_incident(row, standing) for row in verdicts.values() if row.verdict is Verdict.BREACHED),
    )


def _service(name: str, verdicts: Mapping[tuple[str, str], VerdictRow]) -> ServiceState:
    title, explanation = SERVICES[name]
    declared = [objective for objective in OBJECTIVES if objective.service == name]
    states = tuple(_objective(objective, verdicts.get((name, objective.name))) for objective in declared)
    return ServiceState(name, title, explanation, states)


def _objective(objective: Objective, row: VerdictRow | None) -> ObjectiveState:
    """Numbers and names are public; the causes of failures are not. Without a row nothing was evaluated yet."""
    return ObjectiveState(
        id=objective.id,
        title=objective.title,
        verdict=row.verdict if row else Verdict.NO_DATA,
        good=row.good if row else 0,
        valid=row.valid if row else 0,
        target=objective.target,
        window=objective.window,
        budget=row.budget if row else "",
        summary=row.summary if row else "not evaluated yet",
        guilty=tuple(tally.asset for tally in row.guilty) if row else (),
        evaluated_at=row.evaluated_at if row else None,
    )


def _incident(row: VerdictRow, standing: Mapping[str, datetime]) -> Incident:
    """A breach, since it was announced; one that was never announced, since it was found."""
    key = f"{row.service}.{row.objective}"
    guilty = ", ".join(tally.asset for tally in row.guilty)
    title = next(objective.title for objective in OBJECTIVES if objective.id == key)
    return Incident(key, f"Not met: {title}", f"{row.summary}. {guilty}".strip(), standing.get(key, row.evaluated_at))


def _source_group(source: Source, fresh: Mapping[str, FreshnessRow]) -> DataGroup:
    sets = []
    for table in source.tables:
        asset = f"{source.name}/{table.name}"
        row = fresh.get(asset)
        promised = row.within if row is not None and row.freshness is not None else None
        sets.append(
            DataSet(
                asset=asset,
                title=table.description,
                label=Label(source.stability.value),
                owner=source.owner,
                rows=row.rows if row else None,
                last_good=row.last_good if row else None,
                fresh_within=promised,
                freshness=row.freshness if row and promised else None,
            )
        )
    return DataGroup(source.name, source.title, source.homepage, tuple(sets))


def _model_group(models: Sequence[dg.AssetSpec], good: Mapping[str, LastGood]) -> DataGroup:
    sets = []
    for spec in sorted(models, key=lambda one: one.key):
        asset = spec.key.to_user_string()
        last = good.get(asset)
        sets.append(
            DataSet(
                asset=asset,
                title=(spec.description or asset).splitlines()[0],
                label=Label.SQLMESH,
                owner=next(iter(spec.owners), ""),
                rows=last.rows if last else None,
                last_good=last.at if last else None,
                fresh_within=None,
                freshness=None,
                tainted_by=tuple(spec.metadata.get("tainted_by", ())),
            )
        )
    return DataGroup("marts", "Published data sets", "", tuple(sets))
