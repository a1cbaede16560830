"""Runs that end because what they run in was stopped: `oso dev`, `oso run`, the sandbox world. They are no failures.

`python -m oso_dagster.orchestration.ledger.stopped_runs INSTANT WHY [PID…]` marks them on the instance of DAGSTER_HOME; with
process ids, only what ran in these. Whoever stops it all calls that once it has ended: a killed process can say nothing of
itself. That the sandbox was killed is seen by the next round that reads the runs. What dies otherwise is not marked, and counts.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger.run_records import read_records
from oso_dagster.orchestration.ledger.run_steps import RunLogs
from oso_dagster.settings import Settings, World

_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_ENDED = [dg.DagsterRunStatus.FAILURE]
_SLACK = timedelta(seconds=1)
_LOST_FOR = timedelta(hours=1)


def mark_stopped(
    instance: dg.DagsterInstance, at: datetime, why: str, *, living: bool = False, processes: Collection[int] | None = None
) -> list[str]:
    """Mark the runs that were under way `at` and have failed or died since; their ids. Those whose process is gone are ended.

    With `living` also those that still run: what they need was stopped. With `processes` only what these ids began. A run that is
    ended here is retried as any that fails.
    """
    marked = []
    for run in _candidates(instance, at):
        record = next(iter(read_records(instance, [run.run_id])), None)
        if record is None or record.started is None or record.started > at or (record.ended is not None and record.ended < at):
            continue
        pid = RunLogs(instance).of([record])[run.run_id].pid
        if processes is not None and pid not in processes:
            continue
        lives = not run.is_finished and pid is not None and psutil.pid_exists(pid)
        if lives and not living:
            continue
        if STOPPED_TAG not in run.tags:
            instance.add_run_tags(run.run_id, {STOPPED_TAG: at.isoformat()})
        marked.append(run.run_id)
        if not lives and not run.is_finished:
            instance.report_run_failed(run, f"{why} was ended while this run was under way: it counts as no failure")
    return marked


def mark_lost_sandbox(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> None:
    """Mark the runs that lost the sandbox world because its server was killed, within the last hour: it could say nothing."""
    if settings.world is not World.SANDBOX:
        return
    from oso_dagster.sandbox.process import last_loss  # noqa: PLC0415  (the sandbox loads when used)

    lost = last_loss(settings.sandbox_dir)
    if lost is not None and now - lost < _LOST_FOR:
        mark_stopped(instance, lost, "the sandbox world", living=True)


def _candidates(instance: dg.DagsterInstance, at: datetime) -> list[dg.DagsterRun]:
    under_way = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    ended = instance.get_runs(dg.RunsFilter(statuses=_ENDED, updated_after=at - _SLACK))
    return list({run.run_id: run for run in (*under_way, *ended)}.values())


if __name__ == "__main__":
    _, instant, reason, *ids = sys.argv
    with dg.DagsterInstance.get() as instance_of_home:
        began_by = [int(number) for number in ids] or None
        mark_stopped(instance_of_home, datetime.fromisoformat(instant).astimezone(UTC), reason, processes=began_by)
