"""What earlier tries of a run have done already: the tries of its step, and the runs that it is the automatic retry of.

A run that a person starts again is none of these: it was started to be done.
"""

from __future__ import annotations

import dagster as dg

_NUMBER, _PARENT = "dagster/retry_number", "dagster/parent_run_id"


def partitions_done(context: dg.AssetExecutionContext, key: dg.AssetKey) -> frozenset[str]:
    """The partitions of an asset that earlier tries have materialized: their rows are published, each was reported after them."""
    runs = [context.run.run_id] if context.retry_number else []
    run: dg.DagsterRun | None = context.run
    while run is not None and _NUMBER in run.tags and _PARENT in run.tags:
        runs.append(run.tags[_PARENT])
        run = context.instance.get_run_by_id(run.tags[_PARENT])
    materializations = (
        entry.dagster_event.step_materialization_data.materialization
        for run_id in runs
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        if entry.dagster_event is not None and entry.dagster_event.asset_key == key
    )
    return frozenset(materialization.partition for materialization in materializations if materialization.partition is not None)
