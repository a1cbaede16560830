"""The asset `status/page`: gathers what the public may see from the store and the catalogue, and has it written as files.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from oso_dagster.domain.source import Source
from oso_dagster.orchestration import labels
from oso_dagster.settings import Settings

STALE_AFTER = timedelta(minutes=45)
"""Three missed runs of the schedule: then the page says of itself that it is too old."""


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
        # SQLAlchemy and Jinja2 load when used.
        from oso_dagster.orchestration.gathering import gather  # noqa: PLC0415
        from oso_dagster.reliability.store import Store  # noqa: PLC0415
        from oso_dagster.statuspage.publish import publish  # noqa: PLC0415
        from oso_dagster.statuspage.render import render  # noqa: PLC0415

        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            page = gather(settings, sources, list(models.specs), store, STALE_AFTER, datetime.now(UTC))
        files = render(page)
        publish(files, settings.status_dir)
        index = settings.status_dir / "index.html"
        context.log.info("wrote %s", index)
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.path(str(index)),
                "verdict": page.verdict.value,
                "bytes": sum(len(text.encode()) for text in files.values()),
                "world": settings.world.value,
            }
        )

    return _page


def status_schedule() -> dg.ScheduleDefinition:
    """Write the page anew a little after each evaluation."""
    return dg.ScheduleDefinition(
        name="publish_status",
        job=dg.define_asset_job(
            "publish_status",
            selection=dg.AssetSelection.assets(dg.AssetKey(["status", "page"])),
            description="Write the status page from what was evaluated last",
        ),
        cron_schedule="3-59/15 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
