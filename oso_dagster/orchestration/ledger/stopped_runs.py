"""Runs that end because what they run in was stopped: `oso dev`, or the sandbox world. They are no failures of the platform.

`python -m oso_dagster.orchestration.ledger.stopped_runs INSTANT WHY` marks them on the instance of DAGSTER_HOME. Whoever stops it
all calls that once it has ended: a killed process can say nothing of itself. What dies otherwise is not marked, and counts.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger.run_records import read_records
from oso_dagster.orchestration.ledger.run_steps import RunLogs

_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_ENDED = [dg.DagsterRunStatus.FAILURE]
_SLACK = timedelta(seconds=1)


def mark_stopped(instance: dg.DagsterInstance, at: datetime, why: str, *, living: bool = False) -> list[str]:
    """Mark the runs that were under way `at` and have failed or died since; their ids. Those whose process is gone are ended.

    With `living` also those that still run: what they need was stopped. A run that is ended here is retried as any that fails.
    """
    marked = []
    for run in _candidates(instance, at):
        record = next(iter(read_records(instance, [run.run_id])), None)
        if record is None or record.started is None or record.started > at or (record.ended is not None and record.ended < at):
            continue
        pid = RunLogs(instance).of([record])[run.run_id].pid
        lives = not run.is_finished and pid is not None and psutil.pid_exists(pid)
        if lives and not living:
            continue
        instance.add_run_tags(run.run_id, {STOPPED_TAG: at.isoformat()})
        marked.append(run.run_id)
        if not lives and not run.is_finished:
            instance.report_run_failed(run, f"{why} was ended while this run was under way: it counts as no failure")
    return marked


def _candidates(instance: dg.DagsterInstance, at: datetime) -> list[dg.DagsterRun]:
    under_way = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    ended = instance.get_runs(dg.RunsFilter(statuses=_ENDED, updated_after=at - _SLACK))
    return list({run.run_id: run for run in (*under_way, *ended)}.values())


if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance_of_home:
        mark_stopped(instance_of_home, datetime.fromisoformat(sys.argv[1]).astimezone(UTC), sys.argv[2])
