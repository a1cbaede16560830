"""The asset `status/page`: gathers what the public may see from the store and the catalogue, and has it written as files.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.run_resources import OWN
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.settings import Settings

STALE_AFTER = timedelta(minutes=45)
"""Three evaluations without a page: then the page says of itself that it is too old."""

PAGE_IS_NEW = timedelta(minutes=12)
"""A page that is younger is not written again by the schedule."""


@dataclass(frozen=True)
class PublishedPage:
    """A page that was published; `where` is the address of its first file."""

    page: StatusPage
    where: str
    files: int
    bytes: int


def write_page(
    settings: Settings, sources: Sequence[Source], models: Sequence[dg.AssetSpec], due_at: datetime | None = None
) -> PublishedPage:
    """Make the page of what was evaluated last, and publish it in its folder, and at `OSO_STATUS_URL` where that is set.

    Partitions that became due after `due_at`, where it is given, are not counted.
    """
    # SQLAlchemy, Jinja2 and fsspec load when used.
    from oso_dagster.orchestration.status_page.read_model import gather  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415
    from oso_dagster.statuspage.publish import publish  # noqa: PLC0415
    from oso_dagster.statuspage.render import render  # noqa: PLC0415

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        page = gather(settings, sources, models, store, STALE_AFTER, utc_now(), due_at)
    files = render(page)
    publish(files, settings.status_dir)
    where = (settings.status_dir / "index.html").as_uri()
    if settings.status_url is not None:
        from oso_dagster.statuspage.upload import upload  # noqa: PLC0415

        upload(files, settings.status_url)
        where = f"{settings.status_url.rstrip('/')}/index.html"
    return PublishedPage(page, where, len(files), sum(len(text.encode()) for text in files.values()))


def status_asset(
    settings: Settings, sources: Sequence[Source], models: dg.AssetsDefinition, slos: Sequence[dg.AssetsDefinition]
) -> dg.AssetsDefinition:
    """The page, downstream of every evaluation; `models` are SQLMesh's assets."""

    @dg.asset(
        key=dg.AssetKey(["status", "page"]),
        deps=[key for slo in slos for key in slo.keys],
        group_name=labels.PLATFORM_GROUP,
        tags={labels.PLATFORM_TAG: "true"},
        kinds={"html"},
        owners=[labels.PLATFORM_OWNER],
        description="The public status page: static files, written whole, which stay up when everything else is down.",
    )
    def _page(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        written = write_page(settings, sources, list(models.specs), labels.due_at(context.run.tags))
        context.log.info("wrote %s", written.where)
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.url(written.where),
                "verdict": written.page.verdict.value,
                "files": written.files,
                "bytes": written.bytes,
                "world": settings.world.value,
            }
        )

    return _page


def status_job() -> UnresolvedAssetJobDefinition:
    """The job `publish_status`."""
    return dg.define_asset_job(
        "publish_status",
        selection=dg.AssetSelection.assets(dg.AssetKey(["status", "page"])),
        description="Write the status page from what was evaluated last",
        tags=labels.resource_tags(OWN),
    )


def status_sensor(job: UnresolvedAssetJobDefinition, evaluation: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Write the page after each evaluation, whoever started it."""

    @dg.run_status_sensor(
        name="publish_status_after_evaluation",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[evaluation],
        request_job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes the status page as soon as the objectives have been evaluated",
    )
    def _after(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return _after


def status_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Write the page although nothing was evaluated: it says so to its readers, and that it is still looked after."""

    @dg.schedule(
        name="publish_status",
        job=job,
        cron_schedule="10-59/15 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def _unless_new(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        since = context.scheduled_execution_time - PAGE_IS_NEW
        recent_runs = dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.SUCCESS], created_after=since)
        if context.instance.get_run_records(recent_runs, limit=1):
            return dg.SkipReason("the page was written after the last evaluation")
        return dg.RunRequest()

    return _unless_new
