"""What is being loaded now, whoever started it: schedules, commands, and backfills and single runs from the browser.

A part of a job's tables that loads alone does not keep the schedule from loading the rest: only what is under way of all counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import dagster as dg
from dagster._core.errors import DagsterDefinitionChangedDeserializationError
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from oso_dagster.domain.catalogue.partitions import Partitions

PARTITION_TAG = "dagster/partition"
FIRST_TAG = "dagster/asset_partition_range_start"
LAST_TAG = "dagster/asset_partition_range_end"

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def whole_load(instance: dg.DagsterInstance, job: str, keys: Collection[dg.AssetKey]) -> str:
    """The id of a run under way that loads some of the tables `keys` of `job`, when all of them are being loaded; else empty."""
    loading: dict[dg.AssetKey, str] = {}
    for run in _unfinished(instance):
        loading |= dict.fromkeys(_tables_of(run, job, keys), run.run_id)
    return next(iter(loading.values())) if loading.keys() == set(keys) else ""


def partitions_loading(
    context: dg.ScheduleEvaluationContext, job: str, keys: Collection[dg.AssetKey], partitions: Partitions, now: datetime
) -> set[str]:
    """The partitions that are under way, queued or still to be started by a backfill, of every table of `job`."""
    loading: dict[str, set[dg.AssetKey]] = defaultdict(set)
    for run in _unfinished(context.instance):
        tables = _tables_of(run, job, keys)
        for partition in partitions_of(run, partitions, now) if tables else ():
            loading[partition] |= tables
    for key, partition in _backfilled(context, keys):
        loading[partition].add(key)
    return {partition for partition, tables in loading.items() if tables == set(keys)}


def partitions_of(run: dg.DagsterRun, partitions: Partitions, now: datetime) -> list[str]:
    """The partitions that a run is for, by its tags."""
    if PARTITION_TAG in run.tags:
        return [run.tags[PARTITION_TAG]]
    first, last = run.tags.get(FIRST_TAG), run.tags.get(LAST_TAG)
    if first is None or last is None:
        return []
    return [window.key for window in partitions.available(now) if first <= window.key <= last]


def _unfinished(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))


def _tables_of(run: dg.DagsterRun, job: str, keys: Collection[dg.AssetKey]) -> set[dg.AssetKey]:
    """Which of the tables a run loads: those it selects, else all of its job."""
    if run.asset_selection:
        return set(keys) & set(run.asset_selection)
    return set(keys) if run.job_name == job else set()


def _backfilled(context: dg.ScheduleEvaluationContext, keys: Collection[dg.AssetKey]) -> Iterator[tuple[dg.AssetKey, str]]:
    """What backfills under way have still to load, the partitions included of which they have not started a run yet."""
    active = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING]
    for backfill in context.instance.get_backfills(filters=BulkActionsFilter(statuses=active)):
        if not backfill.is_asset_backfill or not set(backfill.asset_selection or ()) & set(keys):
            continue
        try:
            data = backfill.get_asset_backfill_data(context.repository_def.asset_graph)
        except DagsterDefinitionChangedDeserializationError:  # of partitions that are declared no more: no run comes of it
            continue
        left = data.target_subset - data.materialized_subset - data.failed_and_downstream_subset
        if backfill.status is BulkActionStatus.CANCELING:
            left &= data.requested_subset
        for key, partition in left.iterate_asset_partitions():
            if key in keys and partition is not None:
                yield key, partition
