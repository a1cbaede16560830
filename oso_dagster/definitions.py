"""The roof: the one Definitions object. It assembles and decides nothing; loading it needs no network, secret or warehouse."""

from __future__ import annotations

import dagster as dg

from oso_dagster.orchestration.ingest import ingest_assets, ingest_jobs
from oso_dagster.orchestration.slo import evaluate_schedule, slo_assets
from oso_dagster.orchestration.status import status_assets, status_schedule
from oso_dagster.orchestration.transform import transform_assets, transform_schedule
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue


def build(settings: Settings) -> dg.Definitions:
    """Everything the platform is, for the given settings."""
    sources = catalogue()
    transformed = transform_assets(settings, sources)
    objectives = slo_assets(settings, sources, sorted(transformed.keys))
    return dg.Definitions(
        assets=[*ingest_assets(settings, sources), transformed, *objectives, *status_assets(settings, sources, objectives)],
        schedules=[*ingest_jobs(sources), transform_schedule(), evaluate_schedule(), status_schedule()],
    )


defs = build(read_settings(catalogue()))
