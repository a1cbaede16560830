"""The maximum of every run, whoever started it, and the runs that take longer than is promised of them.

Schedules and `oso run` set the maximum as they start a run. What a person or a backfill starts in the browser gets it here, by
the sensor `alert_watch`, within a minute. Dagster's run monitoring ends what reaches its maximum, and it has failed then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.cadence import IngestJob, jobs_of
from oso_dagster.domain.due.run_limits import RunLimit, limit_of_job, limit_of_load
from oso_dagster.orchestration.ingest.jobs.limit_tags import limit_tags
from oso_dagster.orchestration.ingest.jobs.under_way import partitions_of
from oso_dagster.orchestration.labels import COVERAGE_KEY, LAKEHOUSE_KEY, asset_key
from oso_dagster.orchestration.ledger.dagster_tables import moment
from oso_dagster.orchestration.ledger.log_files import PLATFORM_SCHEMAS

_RUNNING = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dataclass(frozen=True)
class RunningRun:
    """A run under way since `started`, of which `promised` is promised; it is ended after `maximum`.

    `assets` are the tables that it loads, as far as they are known; `limited`: its maximum has been set.
    """

    run: dg.DagsterRun
    started: datetime
    promised: timedelta
    maximum: timedelta
    assets: tuple[str, ...]
    limited: bool


def set_limits(instance: dg.DagsterInstance, sources: Sequence[Source], now: datetime) -> int:
    """Set the maximum of every run under way that has none; of how many."""
    unlimited = [running for running in running_runs(instance, sources, now) if not running.limited]
    for running in unlimited:
        instance.add_run_tags(running.run.run_id, limit_tags(RunLimit(running.promised)))
    return len(unlimited)


def running_runs(instance: dg.DagsterInstance, sources: Sequence[Source], now: datetime) -> list[RunningRun]:
    """Every run under way, with what is promised of it."""
    records = instance.get_run_records(dg.RunsFilter(statuses=_RUNNING))
    jobs = [job for source in sources for job in jobs_of(source)] if records else []
    return [
        _running(record.dagster_run, moment(record.start_time), jobs, now) for record in records if record.start_time is not None
    ]


def _running(run: dg.DagsterRun, started: datetime, jobs: Sequence[IngestJob], now: datetime) -> RunningRun:
    loads = [(job, keys) for job in jobs if (keys := _tables_of(run, job))]
    work = sum((_work(run, job, now) for job, _ in loads), timedelta(0))
    if not loads or run.asset_selection:
        work += sum((limit_of_job(name).work for name in _other_jobs(run, loads)), timedelta(0))
    limit = RunLimit(work)
    tag = run.tags.get(MAX_RUNTIME_SECONDS_TAG, "")
    maximum = timedelta(seconds=int(tag)) if tag.isdecimal() else limit.maximum
    assets = tuple(sorted(key.to_user_string() for _, keys in loads for key in keys))
    return RunningRun(run, started, limit.promised, maximum, assets, limited=bool(tag))


def _work(run: dg.DagsterRun, job: IngestJob, now: datetime) -> timedelta:
    partitions = 1 if job.partitions is None else len(partitions_of(run, job.partitions, now))
    return limit_of_load(job, partitions).work


def _tables_of(run: dg.DagsterRun, job: IngestJob) -> set[dg.AssetKey]:
    keys = {asset_key(job.source, table) for table in job.tables}
    if run.asset_selection:
        return keys & set(run.asset_selection)
    return keys if run.job_name == job.name else set()


def _other_jobs(run: dg.DagsterRun, loads: Sequence[tuple[IngestJob, set[dg.AssetKey]]]) -> Iterator[str]:
    """The jobs that make what a run makes beside tables of sources; its own where it selects nothing."""
    if not run.asset_selection:
        yield run.job_name
        return
    others = set(run.asset_selection).difference(*(keys for _, keys in loads))
    if COVERAGE_KEY in others:
        yield "measure_coverage"
    if LAKEHOUSE_KEY in others:
        yield "maintain_lakehouse"
    if any(key.path[0] not in PLATFORM_SCHEMAS for key in others):
        yield "transform"
    if any(key.path[0] in PLATFORM_SCHEMAS and key not in {COVERAGE_KEY, LAKEHOUSE_KEY} for key in others):
        yield "evaluate_slos"
