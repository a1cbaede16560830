"""The roof: the one Definitions object. It assembles and decides nothing; loading it needs no network, secret or warehouse."""

from __future__ import annotations

import dagster as dg

from oso_dagster.orchestration.alerts.sensors import alert_sensors
from oso_dagster.orchestration.coverage.coverage_asset import coverage_asset, coverage_job, coverage_schedule
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.models.platform_project import transform_assets, transform_jobs, transform_schedule
from oso_dagster.orchestration.objectives.service_assets import reliability_checks, slo_assets, slo_job, slo_schedule
from oso_dagster.orchestration.status_page.page_asset import status_asset, status_job, status_schedule, status_sensor
from oso_dagster.orchestration.upkeep.lakehouse_tables import lakehouse_assets, lakehouse_jobs, lakehouse_schedules
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue


def build(settings: Settings) -> dg.Definitions:
    """Everything the platform is, for the given settings."""
    sources = settings.in_world(catalogue())
    tables, models = ingest_assets(settings, sources), transform_assets(settings, sources)
    objectives = slo_assets(settings, sources, list(models.specs))
    reliability = reliability_checks(settings, sources, list(models.specs))
    evaluation, page = slo_job(objectives, [reliability]), status_job()
    coverage, lakehouse = coverage_asset(settings, sources), lakehouse_assets(settings, sources)
    maintenance = lakehouse_jobs(lakehouse)
    return dg.Definitions(
        assets=[*tables, models, coverage, *lakehouse, *objectives, status_asset(settings, sources, models, objectives)],
        asset_checks=[reliability],
        jobs=[*transform_jobs(settings, sources), *maintenance],
        schedules=[
            *ingest_schedules(settings, sources),
            transform_schedule(models),
            coverage_schedule(coverage_job()),
            *lakehouse_schedules(maintenance),
            slo_schedule(evaluation),
            status_schedule(page),
        ],
        sensors=[*alert_sensors(settings, sources, [*tables, models], list(models.specs)), status_sensor(page, evaluation)],
        executor=dg.in_process_executor,  # docs/decisions/0004
    )


defs = build(read_settings(catalogue()))
