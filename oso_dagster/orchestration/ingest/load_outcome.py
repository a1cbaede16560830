"""What Dagster is shown of one load: the metadata and version of what was published, and the error of what was not."""

from __future__ import annotations

import json
import traceback
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import dagster as dg

from oso_dagster.domain.catalogue.loading import CUT_SHORT, ROWS_LOADED, Loaded
from oso_dagster.domain.catalogue.notices import UPSTREAM_HABITS
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.redaction import redact
from oso_dagster.settings import Settings


def fingerprint(table: Table) -> str:
    """A name for what a declaration makes of the same upstream: columns, keys, revision."""
    declaration = {
        "columns": {name: [asdict(c) for c in columns] for name, columns in table.physical.items()},
        "keys": table.keys,
    }
    return sha256(json.dumps([declaration, table.revision], sort_keys=True, default=str).encode()).hexdigest()


def version_of(loaded: Loaded) -> str:
    """The data version: what upstream calls it, and the declaration that it was loaded by."""
    return f"{loaded.record.version}/{loaded.record.fingerprint[:8]}"


def metadata_of(loaded: Loaded, settings: Settings, *, seconds: float, unchanged: bool) -> dict[str, Any]:
    """The metadata of the materialization; `seconds` since the step began."""
    record = loaded.record
    metadata: dict[str, Any] = {
        "dagster/row_count": loaded.table_rows,
        ROWS_LOADED: record.row_count,
        "world": settings.world.value,
        "load_id": record.load_id,
        "loaded_at": dg.MetadataValue.timestamp(record.loaded_at),
        "version": record.version,
        "duration_seconds": round(seconds, 3),
        "unchanged": unchanged,
        "new_columns": list(loaded.new_columns),
    }
    if record.partition is not None:
        metadata["dagster/partition_row_count"] = record.row_count
    children = {name: rows for name, rows in record.rows.items() if name != record.table}
    if children:
        metadata["rows_of_nested_tables"] = children
    shown = {name: value for name, value in record.facts.items() if name != UPSTREAM_HABITS}
    return metadata | {name: value for name, value in shown.items() if value is not None or name != CUT_SHORT}


def failure(
    settings: Settings, source: Source, table: Table, window: Window | None, error: Exception, *, retry: bool
) -> dg.Failure:
    """The error as Dagster may show it: `source.table` first, no secret, the trace as metadata instead of a cause."""
    where = table_name(source.name, table.name)
    place = f"{where}[{window.key}]" if window else where
    secrets = settings.secrets()
    words = (redact(str(error), secrets) or type(error).__name__).removeprefix(f"{where}: ")
    trace = redact("".join(traceback.format_exception(error)), secrets)
    return dg.Failure(
        description=words if words.startswith(where) else f"{place}: {words}",
        metadata={"error_type": type(error).__name__, "trace": dg.MetadataValue.md(f"```\n{trace}\n```")},
        allow_retries=retry,
    )


def together(refusals: list[dg.Failure]) -> dg.Failure:
    """The refusals of a run as one: the first in full, the others by what they say."""
    first, *others = refusals
    words = "; ".join([str(first.description), *(str(refusal.description) for refusal in others)])
    return dg.Failure(description=words, metadata=first.metadata, allow_retries=False)
