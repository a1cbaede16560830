"""One step of ingestion: ask the source, publish through the warehouse, and say in Dagster exactly what happened.

An error is never swallowed: it leaves the step as a Failure that names source and table, with every secret taken out.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import dagster as dg

from oso_dagster.domain.loading import Finding, Loaded, LoadRecord, RefusedError, Request, Unchanged
from oso_dagster.domain.redaction import redact
from oso_dagster.domain.source import Source, Table
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings, SettingsError

CHECKS = {
    "arrived": "Rows arrived: an empty answer never replaces a table",
    "columns_present": "No declared column was lost upstream",
    "primary_key": "Keys are unique, required columns are filled",
    "not_shrunk": "Not fewer rows than the allowed share of the last good load",
}
"""The guards of every load. They judge the staged rows before publication; a failing one refuses the load."""


class LoadConfig(dg.Config):
    """What a person may say when starting a load by hand."""

    allow_shrink: bool = False
    """Publish even when the table loses more rows than its floor allows (upstream really lost them)."""
    force: bool = False
    """Load again although upstream is unchanged."""


def load(
    context: dg.AssetExecutionContext, settings: Settings, source: Source, table: Table, config: LoadConfig
) -> dg.MaterializeResult[None]:
    """Load one table. Raises dagster.Failure; a refused load is not retried, since a retry would be refused as well."""
    try:
        return _load(settings, source, table, config, context)
    except RefusedError as error:
        for finding in error.findings:
            context.log_event(_evaluation(labels.asset_key(source, table), finding))
        raise _failure(settings, source, table, error, retry=False) from None
    except SettingsError as error:
        raise _failure(settings, source, table, error, retry=False) from None
    except Exception as error:  # noqa: BLE001  (re-raised without its secrets)
        raise _failure(settings, source, table, error, retry=True) from None


def _load(
    settings: Settings, source: Source, table: Table, config: LoadConfig, context: dg.AssetExecutionContext
) -> dg.MaterializeResult[None]:
    began = time.monotonic()
    warehouse = warehouse_of(settings)
    mark = fingerprint(table)
    previous = warehouse.last_load(source.name, table.name)
    comparable = previous is not None and previous.fingerprint == mark and not config.force
    request = Request(
        source=source.name,
        table=table.name,
        now=datetime.now(UTC),
        cache=settings.cache_dir,
        settings=settings.of_source(source),
        previous=previous if comparable else None,
    )
    outcome = table.extract(request)
    if isinstance(outcome, Unchanged):
        if previous is None:
            raise RefusedError("the source reports an unchanged upstream, but nothing was ever loaded")
        context.log.info("unchanged upstream: %s", outcome.version)
        loaded = Loaded(previous, [Finding(name, passed=True, message="unchanged since it passed") for name in CHECKS])
    else:
        allow = config.allow_shrink
        loaded = warehouse.load(source, table, outcome, fingerprint=mark, allow_shrink=allow)
    unchanged = isinstance(outcome, Unchanged)
    return _result(settings, source, table, loaded, seconds=time.monotonic() - began, unchanged=unchanged)


def fingerprint(table: Table) -> str:
    """A name for what a declaration makes of the same upstream: columns, keys, revision."""
    said = {"columns": {name: [asdict(c) for c in columns] for name, columns in table.physical.items()}, "keys": table.keys}
    return sha256(json.dumps([said, table.revision], sort_keys=True, default=str).encode()).hexdigest()


def _result(
    settings: Settings, source: Source, table: Table, loaded: Loaded, *, seconds: float, unchanged: bool
) -> dg.MaterializeResult[None]:
    record = loaded.record
    return dg.MaterializeResult(
        asset_key=labels.asset_key(source, table),
        data_version=dg.DataVersion(f"{record.version}/{record.fingerprint[:8]}"),
        metadata=_metadata(settings, record, loaded.new_columns, seconds, unchanged=unchanged),
        check_results=[_result_of(labels.asset_key(source, table), finding) for finding in loaded.findings],
    )


def _metadata(
    settings: Settings, record: LoadRecord, new_columns: Iterable[str], seconds: float, *, unchanged: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "dagster/row_count": record.row_count,
        "world": settings.world.value,
        "load_id": record.load_id,
        "loaded_at": dg.MetadataValue.timestamp(record.loaded_at),
        "version": record.version,
        "duration_seconds": round(seconds, 3),
        "unchanged": unchanged,
        "new_columns": list(new_columns),
    }
    children = {name: rows for name, rows in record.rows.items() if name != record.table}
    if children:
        told["rows_of_nested_tables"] = children
    return told | dict(record.facts)


def _evaluation(key: dg.AssetKey, finding: Finding) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts),
        description=finding.message,
        blocking=True,
    )


def _result_of(key: dg.AssetKey, finding: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts),
        description=finding.message,
    )


def _failure(settings: Settings, source: Source, table: Table, error: Exception, *, retry: bool) -> dg.Failure:
    """The error as Dagster may show it: `source.table` first, no secret, the trace as metadata instead of a cause."""
    where = f"{source.name}.{table.name}"
    words = redact(str(error), settings.secrets()) or type(error).__name__
    trace = redact("".join(traceback.format_exception(error)), settings.secrets())
    return dg.Failure(
        description=words if words.startswith(where) else f"{where}: {words}",
        metadata={"error_type": type(error).__name__, "trace": dg.MetadataValue.md(f"```\n{trace}\n```")},
        allow_retries=retry,
    )
