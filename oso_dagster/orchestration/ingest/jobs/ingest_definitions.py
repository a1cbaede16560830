"""The part of the code location that loads sources: what a process needs that runs no other job.

Its jobs are those of the whole location, to the last event. What is left out is the SQLMesh project, whose models have to be read
first, and what watches and judges.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.settings import Settings


def ingest_definitions(settings: Settings, sources: Sequence[Source]) -> dg.Definitions:
    """The tables of `sources` as assets, with the jobs that load them. `sources` are those of the world of the settings."""
    return dg.Definitions(
        assets=ingest_assets(settings, sources),
        schedules=ingest_schedules(settings, sources),
        executor=dg.in_process_executor,  # docs/decisions/0004
    )
