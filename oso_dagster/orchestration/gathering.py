"""Gathers what the public may see from the store and the catalogue into the read model of the status page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.freshness import holes
from oso_dagster.domain.history import Judged, Spell, breaches_of, days_of, first_day
from oso_dagster.domain.objectives import OBJECTIVES, SERVICES
from oso_dagster.domain.slo import Objective, Verdict
from oso_dagster.domain.source import Source, Table
from oso_dagster.domain.status import Incident, ObjectiveState, ServiceState, StatusPage
from oso_dagster.domain.status_data import DataGroup, DataSet
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
    """The page's read model at `now`. Tables that are not declared public are left out, by name too."""
    verdicts = {f"{row.service}.{row.objective}": row for row in store.latest_verdicts()}
    judged = {one.id: store.results.judged_since(one.service, one.name, first_day(now)) for one in OBJECTIVES}
    hidden = {f"{source.name}/{table.name}" for source in sources for table in source.tables if not table.public}
    services = tuple(_service(name, verdicts, judged, hidden, now) for name in SERVICES)
    found = [_incident(one, spell, verdicts.get(one.id), hidden) for one in OBJECTIVES for spell in breaches_of(judged[one.id])]
    found.sort(key=lambda incident: incident.since, reverse=True)
    published = [spec for spec in models if spec.group_name == _PUBLISHED_LAYER]
    good, fresh = store.ledger.last_good(), {row.asset: row for row in store.freshness()}
    groups = [_source_group(source, fresh, store, now) for source in sources]
    return StatusPage(
        world=settings.world.value,
        generated_at=now,
        stale_after=stale_after,
        services=services,
        groups=(*(group for group in groups if group.sets), _model_group(published, good)),
        incidents=tuple(incident for incident in found if incident.until is None),
        past=tuple(incident for incident in found if incident.until is not None),
    )


def _service(
    name: str,
    verdicts: Mapping[str, VerdictRow],
    judged: Mapping[str, Sequence[Judged]],
    hidden: Collection[str],
    now: datetime,
) -> ServiceState:
    title, explanation = SERVICES[name]
    declared = [objective for objective in OBJECTIVES if objective.service == name]
    states = tuple(_objective(one, verdicts.get(one.id), judged[one.id], hidden, now) for one in declared)
    return ServiceState(name, title, explanation, states)


def _objective(
    objective: Objective, row: VerdictRow | None, judged: Sequence[Judged], hidden: Collection[str], now: datetime
) -> ObjectiveState:
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
        guilty=_guilty(row, hidden) if row else (),
        evaluated_at=row.evaluated_at if row else None,
        days=days_of(judged, now),
        each=objective.each,
    )


def _guilty(row: VerdictRow, hidden: Collection[str]) -> tuple[str, ...]:
    return tuple(tally.asset for tally in row.guilty if tally.asset not in hidden)


def _incident(objective: Objective, spell: Spell, row: VerdictRow | None, hidden: Collection[str]) -> Incident:
    """A breach. Its key is made of when it began, which never changes: feeds and readers know it by that."""
    text = "The objective was missed and is met again."
    if spell.until is None and row is not None:
        text = f"{row.summary}. {', '.join(_guilty(row, hidden))}".strip()
    return Incident(
        key=f"{objective.id}@{spell.since:%Y%m%dT%H%M%SZ}",
        title=f"Not met: {objective.title}",
        text=text,
        since=spell.since,
        until=spell.until,
        service=objective.service,
    )


def _source_group(source: Source, fresh: Mapping[str, FreshnessRow], store: Store, now: datetime) -> DataGroup:
    public = [table for table in source.tables if table.public]
    sets = (_data_set(source, table, fresh.get(f"{source.name}/{table.name}"), store, now) for table in public)
    return DataGroup(source.name, source.title, source.homepage, tuple(sets))


def _data_set(source: Source, table: Table, row: FreshnessRow | None, store: Store, now: datetime) -> DataSet:
    asset = f"{source.name}/{table.name}"
    promised = row.within if row is not None and row.freshness is not None else None
    parts = table.partitions
    return DataSet(
        asset=asset,
        title=table.description,
        label=Label(source.stability.value),
        owner=source.owner,
        rows=row.rows if row else None,
        last_good=row.last_good if row else None,
        fresh_within=promised,
        freshness=row.freshness if row and promised else None,
        due_partitions=len(parts.due(now)) if parts else 0,
        holes=holes(parts, store.ledger.materialized_partitions(asset), now) if parts else (),
    )


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
