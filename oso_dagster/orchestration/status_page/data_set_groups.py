"""Gathers the data sets of the status page: the public tables of the catalogue and the published models, with their trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness, holes
from oso_dagster.domain.objectives.objectives import ROLLING
from oso_dagster.domain.status.data_sets import DataGroup, DataSet
from oso_dagster.orchestration.models.platform_project import PUBLISHED_LAYER
from oso_dagster.orchestration.objectives.evaluator import Evaluator
from oso_dagster.reliability.ledger.ledger import LastGood
from oso_dagster.reliability.store import FreshnessRow

_NO_TIME = (timedelta(0), timedelta(0))


@dataclass(frozen=True)
class _TableRecords:
    """What the store knows of all tables at `now`; `due_at` is as of when partitions are due.

    `stale` says why a table was found stale; `share` is how long each was fresh, and how long it had to be; `events` are the
    newest ones of those that promise their age.
    """

    evaluator: Evaluator
    fresh: Mapping[str, FreshnessRow]
    stale: Mapping[str, str]
    share: Mapping[str, tuple[timedelta, timedelta]]
    events: Mapping[str, datetime]
    due_at: datetime


def groups_of(evaluator: Evaluator, models: Sequence[dg.AssetSpec], now: datetime) -> tuple[DataGroup, ...]:
    """Every source with a public table, and the published layer of `models`."""
    store = evaluator.store
    labels = (Label.CORE, Label.UNSTABLE)
    shares = [evaluator.fresh_share(label, now, ROLLING) for label in labels]
    events = [evaluator.newest_events(label, now) for label in labels]
    fresh = {row.asset: row for row in store.freshness()}
    due_at = min(now, evaluator.due_at or now)
    known = _TableRecords(evaluator, fresh, _why_stale(evaluator, fresh), shares[0] | shares[1], events[0] | events[1], due_at)
    groups = [_source_group(source, known) for source in evaluator.sources]
    published = [spec for spec in models if spec.group_name == PUBLISHED_LAYER]
    return (*(group for group in groups if group.sets), _model_group(published, store.ledger.last_good()))


def _source_group(source: Source, known: _TableRecords) -> DataGroup:
    sets = tuple(_data_set(source, table, known) for table in source.tables if table.public)
    return DataGroup(source.name, source.title, source.homepage, sets)


def _data_set(source: Source, table: Table, known: _TableRecords) -> DataSet:
    asset = asset_name(source.name, table.name)
    row, parts = known.fresh.get(asset), table.partitions
    if source.retired is not None:
        return _retired(source, table, known)
    promised = row.within if row is not None and row.freshness is not None else None
    fresh_for, promised_for = known.share.get(asset, _NO_TIME)
    return DataSet(
        asset=asset,
        title=table.description,
        label=Label(source.stability.value),
        owner=source.owner,
        rows=row.rows if row else None,
        last_good=row.last_good if row else None,
        fresh_within=promised,
        freshness=row.freshness if row and promised else None,
        stale_because=known.stale.get(asset, ""),
        partitions=parts.kind if parts else None,
        due_after=parts.due_after if parts else None,
        due_partitions=len(parts.due(known.due_at)) if parts else 0,
        holes=holes(parts, known.evaluator.kept_partitions(asset), known.due_at) if parts else (),
        fresh_for=fresh_for,
        promised_for=promised_for,
        newest_event=known.events.get(asset),
        events_within=table.events_within,
    )


def _retired(source: Source, table: Table, known: _TableRecords) -> DataSet:
    """A table whose source is no more: what it holds, and why nothing is promised of it."""
    asset, why = asset_name(source.name, table.name), source.retired
    last = known.evaluator.store.ledger.last_good().get(asset)
    return DataSet(
        asset=asset,
        title=table.description,
        label=Label(source.stability.value),
        owner=source.owner,
        rows=last.rows if last else None,
        last_good=last.at if last else None,
        fresh_within=None,
        freshness=None,
        retired=f"since {why.since}: {why.reason}" if why else "",
    )


def _why_stale(evaluator: Evaluator, fresh: Mapping[str, FreshnessRow]) -> dict[str, str]:
    """Why each table was stale when it was evaluated last, in words: judged again as of then."""
    notes: dict[str, str] = {}
    for label in (Label.CORE, Label.UNSTABLE):
        mine = [row for asset, row in fresh.items() if evaluator.labels.get(asset) is label and row.freshness is Freshness.STALE]
        for at in {row.evaluated_at for row in mine if row.evaluated_at is not None}:
            judged = evaluator.judged_tables(label, at)
            notes |= {row.asset: judged[row.asset].note for row in mine if row.evaluated_at == at and row.asset in judged}
    return notes


def _model_group(models: Sequence[dg.AssetSpec], good: Mapping[str, LastGood]) -> DataGroup:
    sets = []
    for spec in sorted(models, key=lambda spec: spec.key):
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
