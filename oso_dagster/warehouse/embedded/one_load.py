"""One load from what is staged to what is published, in the DuckDB database that is current: the same on every profile."""

from __future__ import annotations

from datetime import datetime

from oso_dagster.domain.catalogue.loading import Extract, Loaded, LoadRecord, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.warehouse import guards, staging
from oso_dagster.warehouse.embedded import publishing
from oso_dagster.warehouse.judged import judged


def publish_staged(  # noqa: PLR0913  (a load and its terms)
    source: Source,
    table: Table,
    extract: Extract,
    arrival: staging.StagedLoad,
    fingerprint: str,
    window: Window | None,
    *,
    now: datetime,
    allow_shrink: bool,
) -> Loaded:
    """Judge what is staged, and publish it. Raises RefusedError, and then the database is as it was."""
    key = window.key if window else None
    before = publishing.last_loads(arrival.connection, source.name, table.name, [key]).get(key)
    # What was loaded on other terms is asked for anew, as a whole: then nothing is no answer.
    goes_on = before is not None and before.fingerprint == fingerprint
    history = publishing.past_loads(arrival.connection, source.name, table, window)
    context = guards.LoadContext(now, window, before, goes_on, allow_shrink, history)
    rows, facts, findings = judged(source, table, extract, arrival, context, keep=True)
    failed = [finding for finding in findings if finding.blocking and not finding.passed]
    if failed:
        raise RefusedError("; ".join(finding.message for finding in failed), findings)
    record = LoadRecord(
        load_id=arrival.load_id,
        source=source.name,
        table=table.name,
        partition=key,
        version=extract.version,
        fingerprint=fingerprint,
        rows=rows,
        loaded_at=context.now,
        facts=facts,
    )
    record, new_columns = publishing.publish(
        arrival.connection, table, record, window, allow_shrink=allow_shrink, whole_items=extract.whole_items
    )
    return Loaded(record, findings, publishing.table_rows(arrival.connection, source.name, table.name), new_columns)
