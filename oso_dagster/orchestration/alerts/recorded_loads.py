"""Holds the warehouse's own records of loads against what the ledger and Dagster say was materialized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from oso_dagster.domain.catalogue.loading import RecordedLoads
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.judging.lost_rows import LastMaterialized, LostRows, lost_rows
from oso_dagster.domain.objectives.over_time.renamed_assets import RENAMED
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.labels import asset_key
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

PATIENCE_SECONDS = 2
"""So long a round waits for whoever has the warehouse: it has a minute for everything, and the next one asks again."""


@dataclass(frozen=True)
class RecordComparison:
    """What the warehouse lacks; with a `problem` it could not be read, and nothing is known."""

    lost: tuple[LostRows, ...] = ()
    problem: str = ""


def compare_records(
    settings: Settings, sources: Sequence[Source], store: Store, instance: dg.DagsterInstance, now: datetime
) -> RecordComparison:
    """Compare every table that is still loaded; errors of the warehouse become the `problem`.

    What was materialized is read first: a load is in the warehouse before Dagster says so.
    """
    materialized = materialized_tables(settings, sources, store, instance, now)
    if not materialized:
        return RecordComparison()
    ids = {table.load_id for table in materialized.values() if table.load_id}
    try:
        hurried = settings.model_copy(update={"lock_timeout_seconds": PATIENCE_SECONDS})
        tables = [(source, table) for source in sources for table in source.tables]
        recorded = warehouse_of(hurried).recorded_loads(ids, tables)
    except Exception as error:  # noqa: BLE001  (named, without secrets; the round goes on without it)
        words = redact(str(error), settings.secrets()) or type(error).__name__
        return RecordComparison(problem=f"the warehouse's records cannot be read: {words}")
    by_asset: dict[str, RecordedLoads] = {}
    for (source, table), records in recorded.items():
        asset = RENAMED.get(asset_name(source, table), asset_name(source, table))
        known = by_asset.get(asset, RecordedLoads())
        by_asset[asset] = RecordedLoads(
            known.partitions | records.partitions, known.asked | records.asked, (*known.differing, *records.differing)
        )
    return RecordComparison(tuple(lost_rows(materialized, by_asset)))


def materialized_tables(
    settings: Settings, sources: Sequence[Source], store: Store, instance: dg.DagsterInstance, now: datetime
) -> dict[str, LastMaterialized]:
    """Every table that was ever materialized well, by asset; of partitions those that are still declared and available."""
    good, newest = store.ledger.last_good(), _newest_loads(sources, instance, settings.world.value)
    tables = {}
    for source in sources:
        for job in jobs_of(source):
            for table in job.tables:
                asset = asset_name(source.name, table.name)
                names = [asset, *(old for old, new in RENAMED.items() if new == asset)]
                there = frozenset({""})
                if table.partitions is not None:
                    declared = {window.key for window in table.partitions.available(now)}
                    there = frozenset(key for name in names for key in store.ledger.landed(name) if key in declared)
                if there and any(name in good for name in names):
                    tables[asset] = LastMaterialized(there, *newest.get(asset, ("", "")), job.name)
    return tables


def _newest_loads(sources: Sequence[Source], instance: dg.DagsterInstance, world: str) -> dict[str, tuple[str, str]]:
    """Partition and load that the newest materialization of each table in this world speaks of, by asset."""
    keys = [asset_key(source, table) for source in sources for table in source.tables]
    loads = {}
    for record in instance.get_asset_records(keys) if keys else []:
        event = record.asset_entry.last_materialization
        materialization = event.asset_materialization if event else None
        metadata = {name: str(value.value) for name, value in materialization.metadata.items()} if materialization else {}
        if materialization is not None and metadata.get("world") == world and "load_id" in metadata:
            loads[record.asset_entry.asset_key.to_user_string()] = (materialization.partition or "", metadata["load_id"])
    return loads
