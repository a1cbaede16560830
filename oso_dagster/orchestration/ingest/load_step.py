"""One step of ingestion: extract from the source, publish through the warehouse, and record in Dagster exactly what happened.

An error is never swallowed: it leaves the step as a Failure that names source, table and partition, with every secret taken out.
A run over several partitions records each as it lands, so that one that fails takes none of those before it along; its retry goes
on with those that are missing. How one is loaded is in `one_load`, how several are in `partition_range`.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.orchestration.ingest.check_events import load_checks, result
from oso_dagster.orchestration.ingest.load_context import LoadConfig, LoadStep
from oso_dagster.orchestration.ingest.load_outcome import together, version_of
from oso_dagster.orchestration.ingest.one_load import publish
from oso_dagster.orchestration.ingest.partition_range import load_range
from oso_dagster.settings import Settings


def load(
    context: dg.AssetExecutionContext, settings: Settings, source: Source, table: Table, config: LoadConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult | dg.Output[None]]:
    """Load a table, or the partitions of it that the run is for, oldest first.

    Raises dagster.Failure; a refused load is not retried, since a retry would be refused as well. Partitions behind a refused one
    are loaded all the same: it alone is bad.
    """
    step = LoadStep(context, settings, source, table, config)
    if len(step.windows) == 1:
        loaded, unchanged = publish(step, step.windows[0])
        yield dg.MaterializeResult(
            asset_key=step.key,
            data_version=dg.DataVersion(version_of(loaded)),
            metadata=step.metadata(loaded, unchanged=unchanged),
            check_results=[result(step.key, finding) for finding in loaded.findings],
        )
        return
    refusals = load_range(step)
    if refusals:
        raise together(refusals)
    # What the checks found was logged for each partition; Dagster still waits for their outputs.
    chosen = context.selected_asset_check_keys
    yield from (dg.Output(None, spec.get_python_identifier()) for spec in load_checks(source, table) if spec.key in chosen)
