"""Deletes the runs of the platform's own jobs once they are old: history of the objectives is in the reliability store.

An evaluation each quarter of an hour adds 3 MB to Dagster's storage, 300 MB a day. What is kept of it here is bounded; runs that
load and transform data are not touched. The sensor `alert_watch` does it at each tick. Measured at 80 assets, a day then adds
0.6 MB to all stores (`tests/orchestration/upkeep/test_growth.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from sqlalchemy import delete, func, select

OWN_JOBS = ("evaluate_slos", "publish_status", "measure_coverage", "maintain_lakehouse")

KEPT = timedelta(hours=6)
"""How long a run of an own job that succeeded is kept: long enough to see what an evaluation found."""

FAILED_KEPT = timedelta(days=30)
"""The same of one that failed or was canceled: somebody has to read why."""

MOST_AT_ONCE = 50
"""Runs deleted in one tick: what has gathered before goes step by step."""

_KEPT_BY_STATUS = {
    dg.DagsterRunStatus.SUCCESS: KEPT,
    dg.DagsterRunStatus.FAILURE: FAILED_KEPT,
    dg.DagsterRunStatus.CANCELED: FAILED_KEPT,
}


def prune(instance: dg.DagsterInstance, now: datetime) -> int:
    """Delete the runs of own jobs that are older than they are kept, the newest of each job excepted; how many."""
    deleted = 0
    for run_id in _old(instance, now):
        instance.delete_run(run_id)
        _delete_older_results(instance, run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        deleted += 1
        if deleted == MOST_AT_ONCE:
            break
    return deleted


def _old(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    for job in OWN_JOBS:
        newest = {run.run_id for run in instance.get_runs(dg.RunsFilter(job_name=job), limit=1)}
        for status, kept in _KEPT_BY_STATUS.items():
            old = dg.RunsFilter(job_name=job, statuses=[status], created_before=now - kept)
            for record in instance.get_run_records(old, limit=MOST_AT_ONCE, ascending=True):
                if record.dagster_run.run_id not in newest:
                    yield record.dagster_run.run_id


def _delete_older_results(instance: dg.DagsterInstance, run_id: str) -> None:
    """The results of checks in a run that is gone, but for those that are still the newest of their check."""
    storage: Any = instance.event_log_storage
    newer = Checks.alias("newer")
    newest = (
        select(func.max(newer.c.id))
        .where(newer.c.asset_key == Checks.c.asset_key, newer.c.check_name == Checks.c.check_name)
        .scalar_subquery()
    )
    with storage.index_connection() as connection:
        connection.execute(delete(Checks).where(Checks.c.run_id == run_id, Checks.c.id < newest))
