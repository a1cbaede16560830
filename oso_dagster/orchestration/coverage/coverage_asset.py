"""The asset `platform/coverage`: asks the second counts, keeps the comparisons in the ledger, writes the tables for readers.

What the ledger has of objectives and sprints is written with it: no evaluation ever waits for the warehouse.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.domain.catalogue.source import Source, Stability
from oso_dagster.domain.coverage import published
from oso_dagster.domain.due.run_resources import OWN
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.labels import (
    COVERAGE_KEY,
    PLATFORM_GROUP,
    PLATFORM_OWNER,
    PLATFORM_TAG,
    asset_key,
    asset_keys_of,
    resource_tags,
)
from oso_dagster.settings import Settings

MEASURING_CRON = "30 7 * * *"
"""Once a day, after the loads of the night."""


def coverage_asset(settings: Settings, sources: Sequence[Source]) -> dg.AssetsDefinition:
    """Downstream of every table that declares a second count."""
    core = set(asset_keys_of(Stability.CORE, tuple(sources)))
    counted = [asset_key(source, t) for source in sources for t in source.tables if t.second_count is not None]

    @dg.asset(
        key=COVERAGE_KEY,
        deps=counted,
        group_name=PLATFORM_GROUP,
        tags={PLATFORM_TAG: "true"},
        kinds={settings.profile.storage},
        owners=[PLATFORM_OWNER],
        description=published.DESCRIPTION,
        metadata={"dagster/table_name": f"platform.{published.NAME}"},
    )
    def _measure(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        # SQLAlchemy and the warehouse load when used.
        from oso_dagster.orchestration.coverage.measuring import measure  # noqa: PLC0415
        from oso_dagster.orchestration.coverage.slo_rows import slo_rows  # noqa: PLC0415
        from oso_dagster.orchestration.resources import warehouse_of  # noqa: PLC0415
        from oso_dagster.reliability.store import Store  # noqa: PLC0415

        now = utc_now()
        measured = measure(settings, sources, now)
        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            store.comparisons.record(measured.comparisons)
            kept = store.comparisons.all(now - published.KEPT)
            of_objectives = slo_rows(store, sources, now)
        warehouse = warehouse_of(settings)
        warehouse.replace_platform_table(published.NAME, published.DESCRIPTION, published.COLUMNS, published.rows_of(kept))
        for table, rows in of_objectives:
            warehouse.replace_platform_table(table.name, table.description, table.columns, rows)
        for comparison in measured.comparisons:
            context.log.info("%s: %s", comparison.asset, comparison.in_words)
        for asset, why in sorted(measured.failures.items()):
            context.log.warning("%s: the second count could not be had: %s", asset, why)
        of_core = {asset for asset in measured.failures if dg.AssetKey(asset.split("/")) in core}
        if of_core:
            named = "\n".join(f"{asset}: {measured.failures[asset]}" for asset in sorted(of_core))
            raise dg.Failure(f"second counts of core tables that could not be had; the others are recorded:\n{named}")
        verdicts = [comparison.verdict for comparison in measured.comparisons]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(kept),
                "compared": len(verdicts),
                "breached": verdicts.count(Verdict.BREACHED),
                "not_measured": sorted(measured.failures),
                "world": settings.world.value,
            }
        )

    return _measure


def coverage_job() -> UnresolvedAssetJobDefinition:
    """The job `measure_coverage`."""
    return dg.define_asset_job(
        "measure_coverage",
        selection=dg.AssetSelection.assets(COVERAGE_KEY),
        description="Ask the second counts of upstreams, and compare them with what is held",
        tags=resource_tags(OWN),
    )


def coverage_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Measure once a day."""
    return dg.ScheduleDefinition(
        name="measure_coverage_daily",
        job=job,
        cron_schedule=MEASURING_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
