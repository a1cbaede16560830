"""Reads from Dagster's storage, for alerts: the platform's failed jobs, new columns of loads, heartbeats of daemons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from oso_dagster.domain.alerts.asset_signals import FailedJob, LastHeartbeat, LongRun, SchemaDrift
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger.dagster_tables import moment
from oso_dagster.orchestration.models.platform_project import OP
from oso_dagster.orchestration.upkeep.run_limits import running_runs

_DAEMON_EVERY = timedelta(minutes=1)
"""How often a daemon records a heartbeat, at the latest: Dagster's own interval is half of it."""


_STOPPED_AT_MOST = 5
"""So many runs of a job in a row may have ended with their session, and the one before them still counts."""

OWN_JOBS = {
    "evaluate_slos": "the objectives are not judged",
    "publish_status": "the status page grows old",
    "measure_coverage": "coverage is not measured",
    "maintain_lakehouse": "files and snapshots of the lakehouse gather",
    f"{OP}_janitor": "tables of models that nobody reads are kept",
}
"""The platform's own jobs, and what is missing while one fails. Those that make data are watched by what they make."""


def failed_jobs(instance: dg.DagsterInstance) -> list[FailedJob]:
    """The platform's own jobs whose newest finished run failed. One that was canceled or stopped says nothing."""
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    failed = []
    for job, serves in OWN_JOBS.items():
        records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=finished), limit=_STOPPED_AT_MOST)
        for record in [each for each in records if STOPPED_TAG not in each.dagster_run.tags][:1]:
            run, ended = record.dagster_run, record.end_time
            if run.status is dg.DagsterRunStatus.FAILURE and ended is not None:
                failed.append(FailedJob(job, serves, run.run_id, moment(ended)))
    return failed


def long_runs(instance: dg.DagsterInstance, sources: Sequence[Source], now: datetime) -> list[LongRun]:
    """The runs under way that take longer than is promised of them; of several of one job the oldest."""
    late = [running for running in running_runs(instance, sources, now) if now - running.started > running.promised]
    runs = [
        LongRun(running.run.job_name, running.assets, running.run.run_id, running.started, running.promised, running.maximum)
        for running in sorted(late, key=lambda running: running.started, reverse=True)
    ]
    return list({run.name: run for run in runs}.values())


def drifting(instance: dg.DagsterInstance, declared: Mapping[dg.AssetKey, frozenset[str]]) -> list[SchemaDrift]:
    """Tables whose newest load reported columns that nobody had declared, without those (`table.column`) declared since."""
    drifts = []
    for record in instance.get_asset_records(list(declared)) if declared else []:
        entry = record.asset_entry
        loaded = entry.last_materialization.asset_materialization if entry.last_materialization else None
        unknown = loaded.metadata.get(UNKNOWN_FIELDS) if loaded else None
        if entry.last_materialization is None or unknown is None or not isinstance(unknown.value, list):
            continue
        new = tuple(
            sorted(column for column in map(str, unknown.value) if column.partition(" ")[0] not in declared[entry.asset_key])
        )
        if new:
            last = entry.last_materialization
            drifts.append(SchemaDrift(entry.asset_key.to_user_string(), new, last.run_id, moment(last.timestamp)))
    return drifts


def daemons(instance: dg.DagsterInstance) -> list[LastHeartbeat]:
    """The heartbeats of the daemons that this instance needs and that ever ran."""
    beats = instance.get_daemon_heartbeats()
    needed = [beats[kind] for kind in instance.get_required_daemon_types() if kind in beats]
    return [
        LastHeartbeat(f"daemon {heartbeat.daemon_type.lower()}", moment(heartbeat.timestamp), _DAEMON_EVERY)
        for heartbeat in needed
    ]
