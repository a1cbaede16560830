"""Jobs that load, and their schedules: each asks for what is available and missing, never for what is being loaded already.

What is there is asked of Dagster's instance and of the warehouse's records; what is asked for is decided in
`domain.due.cadence`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from oso_dagster.domain.catalogue.loading import CUT_SHORT
from oso_dagster.domain.catalogue.partitions import Partitions, Window
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.cadence import MOST_TRIES, IngestJob, jobs_of, plan_partitions, stretches
from oso_dagster.domain.due.looks_again import LastLook, candidates, oldest_look, partitions_again
from oso_dagster.domain.due.run_limits import limit_of_load
from oso_dagster.domain.due.run_resources import resources_of_load
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.check_events import load_checks
from oso_dagster.orchestration.ingest.jobs.limit_tags import limit_tags
from oso_dagster.orchestration.ingest.jobs.present import Present, present_partitions
from oso_dagster.orchestration.ingest.jobs.under_way import (
    FIRST_TAG,
    LAST_TAG,
    PARTITION_TAG,
    partitions_loading,
    partitions_of,
    whole_load,
)
from oso_dagster.settings import Settings

_PAGE = 500


class GivenUpError(Exception):
    """Partitions that failed as often as a schedule tries: a person must find the cause."""


def ingest_schedules(settings: Settings, sources: Sequence[Source]) -> list[dg.ScheduleDefinition]:
    """A job and a running schedule per source, kind of partition and cadence (`domain.due.cadence.jobs_of`)."""
    return [_schedule(settings, job) for source in sources for job in jobs_of(source)]


def partition_tags(windows: Sequence[Window]) -> dict[str, str]:
    """The tags of a run that loads `windows`, which follow each other."""
    if len(windows) == 1:
        return {PARTITION_TAG: windows[0].key}
    return {FIRST_TAG: windows[0].key, LAST_TAG: windows[-1].key}


def _schedule(settings: Settings, job: IngestJob) -> dg.ScheduleDefinition:
    keys = [labels.asset_key(job.source, table) for table in job.tables]
    names = ", ".join(key.to_user_string() for key in keys)
    definition = dg.define_asset_job(
        job.name,
        selection=_selection(job),
        description=f"Load {names} from {job.source.title}",
        tags=labels.resource_tags(resources_of_load(job)),
    )

    @dg.schedule(
        name=job.name,
        job=definition,
        cron_schedule=job.schedule.cron,
        execution_timezone=job.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Loads what is available of {names} and missing, or may have changed since; skips what is being loaded; "
        f"at most {MOST_TRIES} tries.",
    )
    def _ask(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        moment = context.scheduled_execution_time.astimezone(UTC)
        if job.partitions is None:
            return _request_whole(job, keys, context.instance)
        present = present_partitions(settings, job, context.instance)
        return _request_partitions(job, job.partitions, present, context, moment)

    return _ask


def _selection(job: IngestJob) -> dg.AssetSelection:
    """The tables with the checks that their loads make; what judges objectives of them runs by itself, never in such a run."""
    keys = [labels.asset_key(job.source, table) for table in job.tables]
    checks = [spec.key for table in job.tables for spec in load_checks(job.source, table)]
    return dg.AssetSelection.assets(*keys).without_checks() | dg.AssetSelection.checks(*checks)


def _request_whole(
    job: IngestJob, keys: Sequence[dg.AssetKey], instance: dg.DagsterInstance
) -> list[dg.RunRequest] | dg.SkipReason:
    if run_id := whole_load(instance, job.name, keys):
        return dg.SkipReason(f"{job.name} still runs ({run_id}): a second run would load the same")
    return [dg.RunRequest(tags=_limit(job, 1))]


def _request_partitions(
    job: IngestJob,
    partitions: Partitions,
    present: Present,
    context: dg.ScheduleEvaluationContext,
    now: datetime,
) -> list[dg.RunRequest] | dg.SkipReason:
    instance, keys = context.instance, [labels.asset_key(job.source, table) for table in job.tables]
    running = partitions_loading(context, job.name, keys, partitions, now)
    tries = failed_tries(instance, job.name, partitions, now)
    missing = any(window.key not in present.kept for window in partitions.recent(now))
    again = _again(job, keys, instance, now, missing=missing)
    planned = plan_partitions(partitions, now, present.kept, running, tries, {key for key in again if key in present.kept})
    if planned.given_up:
        keys_given_up = ", ".join(planned.given_up)
        words = f"{job.name}: given up after {MOST_TRIES} tries: {keys_given_up}. Fix the cause, then load them by hand."
        if not planned.ask:
            raise GivenUpError(words)
        context.log.error(words)
    if not planned.ask:
        return dg.SkipReason("every recent partition that upstream has is loaded or being loaded")
    groups = stretches(partitions, planned.ask) if job.range_in_one_run else [(window,) for window in planned.ask]
    again |= _lost_looks(instance, keys, [window.key for window in planned.ask if window.key in present.lost])
    return [_request(job, group, tries, again) for group in groups]


def _request(job: IngestJob, windows: Sequence[Window], tries: dict[str, int], again: Mapping[str, LastLook]) -> dg.RunRequest:
    """The run key tells the tries of one partition apart, and its looks, and stops a tick evaluated twice from asking twice."""
    first, last = windows[0].key, windows[-1].key
    attempt = max(tries.get(window.key, 0) for window in windows)
    looks = [again[window.key].at for window in windows if window.key in again]
    key = f"{job.name}/{first}/{last}/{attempt}" + (f"/{max(looks).isoformat()}" if looks else "")
    if len(windows) == 1:
        return dg.RunRequest(run_key=key, partition_key=first, tags=_limit(job, 1))
    return dg.RunRequest(run_key=key, tags=partition_tags(windows) | _limit(job, len(windows)))


def _limit(job: IngestJob, partitions: int) -> dict[str, str]:
    return limit_tags(limit_of_load(job, partitions))


def _again(
    job: IngestJob, keys: Sequence[dg.AssetKey], instance: dg.DagsterInstance, now: datetime, *, missing: bool
) -> dict[str, LastLook]:
    """The loaded partitions that are due for another look at upstream, with the last one of each."""
    due: dict[str, list[LastLook]] = {}
    for table, key in zip(job.tables, keys, strict=True):
        looks = _last_looks(instance, key, [window.key for window in candidates(table, now)])
        for partition in partitions_again(table, now, looks, missing=missing):
            due.setdefault(partition, []).append(looks[partition])
    return {partition: oldest_look(looks) for partition, looks in due.items()}


def _lost_looks(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey], lost: list[str]) -> dict[str, LastLook]:
    """The last load of each partition that was lost since: a run of its name has been, so that its request needs another one."""
    looks: dict[str, list[LastLook]] = {}
    for key in keys:
        for partition, look in _last_looks(instance, key, lost).items():
            looks.setdefault(partition, []).append(look)
    return {partition: max(of_tables, key=lambda look: look.at) for partition, of_tables in looks.items()}


def _last_looks(instance: dg.DagsterInstance, key: dg.AssetKey, partitions: list[str]) -> dict[str, LastLook]:
    """The last load of each of these partitions that was loaded."""
    if not partitions:
        return {}
    wanted, looks, cursor = dg.AssetRecordsFilter(key, asset_partitions=partitions), dict[str, LastLook](), None
    while True:
        page = instance.fetch_materializations(wanted, limit=_PAGE, cursor=cursor)
        for record in page.records:
            materialization = record.asset_materialization
            if materialization is not None and materialization.partition is not None:
                at = datetime.fromtimestamp(record.timestamp, UTC)
                looks.setdefault(materialization.partition, LastLook(at, CUT_SHORT in materialization.metadata))
        if not page.has_more or looks.keys() >= set(partitions):
            return looks
        cursor = page.cursor


def failed_tries(instance: dg.DagsterInstance, job: str, partitions: Partitions, now: datetime) -> dict[str, int]:
    """How often each recent partition was tried by the job in vain, within the span that a schedule looks after."""
    recent = partitions.recent(now)
    since = recent[0].start if recent else None
    failed = instance.get_runs(
        dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.FAILURE], created_after=since),
    )
    return dict(Counter(key for run in failed for key in partitions_of(run, partitions, now)))
