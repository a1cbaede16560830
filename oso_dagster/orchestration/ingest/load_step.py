"""One step of ingestion: extract from the source, publish through the warehouse, and record in Dagster exactly what happened.

An error is never swallowed: it leaves the step as a Failure that names source, table and partition, with every secret taken out.
A run over several partitions loads them one after the other and records each as it lands, so that one that fails takes none of
those before it along; its retry goes on with those that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import dagster as dg

from oso_dagster.domain.catalogue.loading import (
    DifferentRows,
    ExtractRequest,
    Finding,
    Loaded,
    LoadRecord,
    RefusedError,
    Stretch,
    Unchanged,
)
from oso_dagster.domain.catalogue.notices import UPSTREAM_NOTICES, UpstreamNotes
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.judging.load_checks import LoadSummary, judge_unchanged
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.ingest.check_events import evaluation, load_checks, result
from oso_dagster.orchestration.ingest.earlier_tries import partitions_done
from oso_dagster.orchestration.ingest.extract_errors import extracted
from oso_dagster.orchestration.ingest.load_outcome import failure, fingerprint, metadata_of, together, version_of
from oso_dagster.orchestration.ingest.needed_values import inputs_of
from oso_dagster.orchestration.ingest.termination import LoadTerminatedError, drawn_while_going_on, require_going_on
from oso_dagster.orchestration.ingest.turn import my_turn
from oso_dagster.orchestration.resources import clients_of, warehouse_of
from oso_dagster.settings import Settings, SettingsError
from oso_dagster.warehouse.base import Warehouse


class LoadConfig(dg.Config):
    """The options of a load that is started by hand."""

    allow_shrink: bool = False
    """Publish even when the table loses more rows than its floor allows (upstream really lost them)."""
    force: bool = False
    """Load again although upstream is unchanged."""


@dataclass(frozen=True)
class _Load:
    """One step: what is loaded, with the options of its run."""

    context: dg.AssetExecutionContext
    settings: Settings
    source: Source
    table: Table
    config: LoadConfig
    began: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> dg.AssetKey:
        return labels.asset_key(self.source, self.table)

    @cached_property
    def warehouse(self) -> Warehouse:
        return warehouse_of(self.settings)

    @cached_property
    def windows(self) -> Sequence[Window | None]:
        """The partitions of the run, oldest first; None is the whole table."""
        partitions = self.table.partitions
        return [None] if partitions is None else [partitions.window(key) for key in sorted(self.context.partition_keys)]

    @cached_property
    def mark(self) -> str:
        return fingerprint(self.table)

    @cached_property
    def previous(self) -> Mapping[str | None, LoadRecord]:
        """The last load of each partition before this run, by its key."""
        return self.kept[0]

    @cached_property
    def kept(self) -> tuple[Mapping[str | None, LoadRecord], Sequence[DifferentRows]]:
        """The last loads, and what has other rows than they left: that is loaded anew as a whole."""
        keys = [window.key if window else None for window in self.windows]
        records, differing = self.warehouse.kept_loads(self.source, self.table, keys)
        for each in differing:
            self.context.log.warning("%s: what differs is loaded anew", each.words)
        return records, differing

    def before(self, window: Window | None, *, fresh: bool = False) -> LoadRecord | None:
        """The last load of a partition, or of the table, before this run; `fresh`: before now."""
        key = window.key if window else None
        return self.warehouse.last_load(self.source.name, self.table.name, key) if fresh else self.previous.get(key)

    @cached_property
    def done(self) -> frozenset[str]:
        """The partitions that earlier tries of a run over several have loaded."""
        return partitions_done(self.context, self.key) if len(self.windows) > 1 else frozenset()

    def comparable(self, record: LoadRecord | None) -> LoadRecord | None:
        """A load, if upstream's answers may be compared with it: same declaration, nothing forced."""
        if record is None or record.fingerprint != self.mark or self.config.force:
            return None
        _, differing = self.kept
        return None if any(each.partition in (None, record.partition) for each in differing) else record

    def metadata(self, loaded: Loaded, *, unchanged: bool) -> dict[str, Any]:
        """The metadata of the materialization of what was loaded."""
        return metadata_of(loaded, self.settings, seconds=time.monotonic() - self.began, unchanged=unchanged)

    def failure(self, window: Window | None, error: Exception, *, retry: bool) -> dg.Failure:
        """The error of a partition, or of the table, as Dagster may show it."""
        return failure(self.settings, self.source, self.table, window, error, retry=retry)

    def log_checks(self, record: LoadRecord, findings: Sequence[Finding]) -> None:
        """Log what the checks found of one partition of several, about the materialization that was logged of it just now."""
        wanted = dg.AssetRecordsFilter(self.key, asset_partitions=[str(record.partition)])
        target = next(iter(self.context.instance.fetch_materializations(wanted, limit=1).records), None)
        for finding in findings:
            self.context.log_event(evaluation(self.key, finding, record.partition, target))

    @cached_property
    def stretch(self) -> Stretch:
        """The partitions that are still to be loaded: one and the same for all extractions of this try."""
        windows = [window for window in self.windows if window is not None and window.key not in self.done]
        records = {window.key: self.comparable(self.before(window)) for window in windows}
        return Stretch(windows, {key: record for key, record in records.items() if record is not None})

    @cached_property
    def inputs(self) -> Mapping[str, Sequence[str]]:
        """What the table needs of others: the same for all partitions of a run."""
        return inputs_of(self.warehouse, self.table)


def load(
    context: dg.AssetExecutionContext, settings: Settings, source: Source, table: Table, config: LoadConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult | dg.Output[None]]:
    """Load a table, or the partitions of it that the run is for, oldest first.

    Raises dagster.Failure; a refused load is not retried, since a retry would be refused as well. Partitions behind a refused one
    are loaded all the same: it alone is bad.
    """
    step = _Load(context, settings, source, table, config)
    if len(step.windows) == 1:
        loaded, unchanged = _publish(step, step.windows[0])
        yield dg.MaterializeResult(
            asset_key=step.key,
            data_version=dg.DataVersion(version_of(loaded)),
            metadata=step.metadata(loaded, unchanged=unchanged),
            check_results=[result(step.key, finding) for finding in loaded.findings],
        )
        return
    refusals: list[dg.Failure] = []
    for window in step.windows:
        if window is not None and window.key in step.done and (before := step.previous.get(window.key)) is not None:
            context.log.info("%s: an earlier try has loaded it", window.key)
            step.log_checks(before, _unchanged(step, before))
            continue
        try:
            loaded, unchanged = _publish(step, window)
        except dg.Failure as refusal:
            if refusal.allow_retries:
                raise
            refusals.append(refusal)
            context.log.warning("%s; the partitions behind it are loaded first", refusal.description)
            continue
        context.log_event(
            dg.AssetMaterialization(
                step.key,
                metadata=step.metadata(loaded, unchanged=unchanged),
                partition=loaded.record.partition,
                tags={"dagster/data_version": version_of(loaded), "dagster/code_version": step.mark[:8]},
            )
        )
        step.log_checks(loaded.record, loaded.findings)
    if refusals:
        raise together(refusals)
    # What the checks found was logged for each partition; Dagster still waits for their outputs.
    chosen = context.selected_asset_check_keys
    yield from (dg.Output(None, spec.get_python_identifier()) for spec in load_checks(source, table) if spec.key in chosen)


def _publish(step: _Load, window: Window | None) -> tuple[Loaded, bool]:
    """Load one partition, or the whole table; whether upstream was unchanged. Errors become Failures here."""
    try:
        known = step.before(window)
        with my_turn(step.context, step.warehouse, step.source, step.table, window) as waited:
            return _extract_and_load(step, window, known, waited=waited)
    except RefusedError as error:
        for finding in error.findings:
            step.context.log_event(evaluation(step.key, finding, window.key if window else None))
        raise step.failure(window, error, retry=False) from None
    except LoadTerminatedError:
        raise
    except SettingsError as error:
        raise step.failure(window, error, retry=False) from None
    except Exception as error:  # noqa: BLE001  (re-raised without its secrets)
        raise step.failure(window, error, retry=True) from None


def _extract_and_load(step: _Load, window: Window | None, known: LoadRecord | None, *, waited: bool) -> tuple[Loaded, bool]:
    source, table = step.source, step.table
    if source.retired is not None and not step.config.force:
        raise RefusedError(
            f"{source.title} is retired since {source.retired.since}: {source.retired.reason}. Its rows are kept. If it is back, "
            "load it once with `force: true` and take `retired` out of its declaration"
        )
    previous = step.before(window, fresh=True) if waited else known
    comparable = step.comparable(previous)
    if waited and window is not None and previous is not None and comparable and previous != known:
        step.context.log.info("%s: the run that was waited for has loaded it", window.key)
        rows = step.warehouse.table_rows(source.name, table.name)
        return Loaded(previous, _unchanged(step, previous), rows), True
    request = ExtractRequest(
        source=source.name,
        table=table.name,
        now=utc_now(),
        cache=step.settings.cache_dir,
        settings=step.settings.of_source(source),
        previous=comparable,
        kept_facts=previous.facts if previous else {},
        window=window,
        stretch=step.stretch,
        clients=clients_of(source, step.settings),
        inputs=step.inputs,
        set_aside_share=table.set_aside_share,
    )
    require_going_on(step.context)  # an interrupt may have been lost while the warehouse was read
    outcome = extracted(table, request)
    if isinstance(outcome, Unchanged):
        require_going_on(step.context)
        if request.previous is None:
            raise RefusedError("the source reports an unchanged upstream, but nothing comparable was ever loaded")
        step.context.log.info("unchanged upstream: %s", outcome.version)
        rows = step.warehouse.table_rows(source.name, table.name)
        return Loaded(request.previous, _unchanged(step, request.previous, request.notes), rows), True
    outcome = drawn_while_going_on(step.context, replace(outcome, notes=request.notes))
    allow = step.config.allow_shrink
    return step.warehouse.load(source, table, outcome, fingerprint=step.mark, window=window, allow_shrink=allow), False


def _unchanged(step: _Load, record: LoadRecord, notes: UpstreamNotes | None = None) -> list[Finding]:
    """What the checks say of the rows of `record`; an announcement of upstream is what this request heard, not the last one."""
    facts = {name: value for name, value in record.facts.items() if name != UPSTREAM_NOTICES or notes is None}
    facts |= notes.facts() if notes else {}
    return judge_unchanged(LoadSummary(step.source.name, step.table, facts, utc_now(), record))
