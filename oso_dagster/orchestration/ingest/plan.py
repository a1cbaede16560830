"""What the next load of a table would ask for, by its own plan: nothing is asked of upstream, nothing is written."""

from __future__ import annotations

from datetime import datetime

from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadPlan
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.orchestration.ingest.load_outcome import fingerprint
from oso_dagster.orchestration.ingest.needed_values import inputs_of
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings


def plan_of(settings: Settings, source: Source, table: Table, now: datetime) -> LoadPlan:
    """The plan of a table that has one. Raises RefusedError where a table that it needs was never loaded."""
    if table.plan is None:
        raise ValueError(f"{table_name(source.name, table.name)} has no plan")
    warehouse = warehouse_of(settings)
    previous = warehouse.last_load(source.name, table.name)
    comparable = previous is not None and previous.fingerprint == fingerprint(table)
    return table.plan(
        ExtractRequest(
            source=source.name,
            table=table.name,
            now=now,
            cache=settings.cache_dir,
            settings=settings.of_source(source),
            previous=previous if comparable else None,
            inputs=inputs_of(warehouse, table),
        )
    )
