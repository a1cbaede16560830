"""A dry run of one table against its endpoint: some rows are extracted, staged and judged, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.ingest.extract_errors import extracted
from oso_dagster.orchestration.ingest.needed_values import inputs_of
from oso_dagster.orchestration.resources import clients_of, warehouse_of
from oso_dagster.settings import Settings, SettingsError

_FEW_PROBLEMS = 5


@dataclass(frozen=True)
class TrialLimits:
    """How much is requested: rows of each landed table, values of each column that the table needs of others."""

    rows: int = 1_000
    inputs: int = 5


@dataclass(frozen=True)
class Trial:
    """What came: rows by landed table (no more than were asked for), what would stop a load, and what it would warn of."""

    table: str
    partition: str | None
    rows: dict[str, int]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def try_table(
    settings: Settings, source: Source, table: Table, now: datetime, limits: TrialLimits, partition: str | None = None
) -> Trial:
    """Ask for a table, or for `partition` of it (by default the newest available one). Errors are in the result, not raised.

    Only settings with which nothing can be asked are raised, as SettingsError.
    The warehouse is only read, for what the table needs of others; all files go to a folder that is deleted.
    """
    window = None
    try:
        window = _window(table, now, partition)
        with tempfile.TemporaryDirectory(prefix="oso-check-") as scratch:
            return _try(settings, source, table, now, limits, window, Path(scratch))
    except SettingsError:  # nothing was asked: the address is not known, or the sandbox world is not up
        raise
    except Exception as error:  # noqa: BLE001  (reported, without its secrets)
        words = redact(str(error), settings.secrets()) or type(error).__name__
        return Trial(table.name, window.key if window else partition, {}, (words,), ())


def _window(table: Table, now: datetime, partition: str | None) -> Window | None:
    if table.partitions is None:
        if partition is not None:
            raise RefusedError(f"{table.name} has no partitions")
        return None
    if partition is not None:
        return table.partitions.window(partition)
    available = table.partitions.available(now)
    if not available:
        raise RefusedError("no partition is available yet")
    return available[-1]


def _try(
    settings: Settings, source: Source, table: Table, now: datetime, limits: TrialLimits, window: Window | None, scratch: Path
) -> Trial:
    needed = inputs_of(warehouse_of(settings), table)
    request = ExtractRequest(
        source=source.name,
        table=table.name,
        now=now,
        cache=scratch,
        settings=settings.of_source(source),
        window=window,
        clients=clients_of(source, settings),
        inputs={need: values[: limits.inputs] for need, values in needed.items()},
        set_aside_share=table.set_aside_share,
    )
    outcome = extracted(table, request)
    if not isinstance(outcome, Extract):
        raise RefusedError("the source reports an unchanged upstream, but nothing was ever loaded")
    some = {name: _first(batches, limits.rows) for name, batches in outcome.batches.items()}
    extract = replace(outcome, batches=some, notes=request.notes)
    rows, findings = warehouse_of(settings, scratch).trial(source, table, extract, window)
    failed = [finding for finding in findings if not finding.passed]
    return Trial(
        table.name,
        window.key if window else None,
        rows,
        tuple(finding.message for finding in failed if finding.blocking)[:_FEW_PROBLEMS],
        tuple(finding.message for finding in failed if not finding.blocking)[:_FEW_PROBLEMS],
    )


def _first(batches: Iterable[Any], most: int) -> Iterator[Any]:
    """The first `most` rows of Arrow tables; what is behind them is never drawn."""
    left = most
    for batch in batches:
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return
