"""SQLMesh's hooks: a context whose scheduler tells of every model and every audit. Imports SQLMesh.

The hooks used are `Context.create_scheduler` (plan and run both call it), `Scheduler.run_merged_intervals`,
`Scheduler.evaluate` and `SnapshotEvaluator.audit`. They may be called from SQLMesh's worker threads.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from sqlmesh.core.context import Context
from sqlmesh.core.scheduler import EvaluateNode, Scheduler
from sqlmesh.core.snapshot import SnapshotIdBatch
from sqlmesh.core.snapshot.definition import merge_intervals
from sqlmesh.utils.date import to_timestamp
from sqlmesh.utils.errors import SQLMeshError

from .audit_names import check_names, home_of
from .context import is_asset, short_name
from .events import AuditDone, Batch, Written
from .manifest_builder import plain_arguments, query_of
from .model_graph import above
from .recorder import Recorder
from .snapshots import LeanSnapshots

SAMPLE_ROWS = 5
SAMPLE_LETTERS = 200
"""The most that is shown of a value."""


class RecordingScheduler(Scheduler):
    """SQLMesh's scheduler, told of by a recorder."""

    recorder: Recorder
    lean: LeanSnapshots

    def run_merged_intervals(self, *, merged_intervals: Any, **kwargs: Any) -> Any:
        """Evaluate the schedule; afterwards tell of the models whose table could not be made, and of those that it skipped."""
        errors, skipped = super().run_merged_intervals(merged_intervals=merged_intervals, **kwargs)
        models = {short_name(one.name): one for one in self.snapshots.values() if is_asset(one)}
        for error in errors:
            name = short_name(error.node.snapshot_name)
            if name in models:  # one that `evaluate` told of is told once
                self.recorder.batch_failed(name, _cause(error.__cause__ or error), models[name].version or "", _sql(models[name]))
        names = {short_name(node.snapshot_name) for node in skipped if isinstance(node, EvaluateNode)}
        for model in sorted(names & models.keys() - set(self.recorder.failed)):
            self.recorder.skipped(model, self._failed_above(model))
        return errors, skipped

    def batch_intervals(self, *args: Any, **kwargs: Any) -> Any:
        """Learn how many batches each model has."""
        batches = super().batch_intervals(*args, **kwargs)
        self.recorder.begin({short_name(snapshot.name): len(intervals) for snapshot, intervals in batches.items()})
        return batches

    def evaluate(self, snapshot: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate one batch of one model, its audits included; or an audit that stands alone."""
        if not is_asset(snapshot):
            return super().evaluate(snapshot, *args, **kwargs)
        model = short_name(snapshot.name)
        self.recorder.batch_started(model)
        self.lean.recall(snapshot)
        try:
            results = super().evaluate(snapshot, *args, **kwargs)
        except Exception as error:
            self.recorder.batch_failed(model, _cause(error), snapshot.version or "", _sql(snapshot))
            raise
        stats = self._stats(snapshot, kwargs["batch_index"])
        batch = Batch((to_timestamp(kwargs["start"]), to_timestamp(kwargs["end"])), *stats)
        self.recorder.batch_done(model, batch, lambda batches: self._written(snapshot, batches))
        return results

    def _stats(self, snapshot: Any, batch: int) -> tuple[int | None, int | None]:
        """Rows and bytes that the engine tells of a batch."""
        key = SnapshotIdBatch(snapshot_id=snapshot.snapshot_id, batch_id=batch)
        tracked = self.snapshot_evaluator.execution_tracker.get_execution_context(key)
        stats = tracked.get_execution_stats() if tracked else None
        return (stats.total_rows_processed, stats.total_bytes_processed) if stats else (None, None)

    def _written(self, snapshot: Any, batches: list[Batch]) -> Written:
        rows = _sum(batch.rows for batch in batches)
        return Written(
            version=snapshot.version or "",
            intervals=tuple((start, end) for start, end in merge_intervals(sorted(batch.interval for batch in batches))),
            rows=self._rows(snapshot, rows),
            rows_written=rows,
            bytes_processed=_sum(batch.bytes for batch in batches),
        )

    def _rows(self, snapshot: Any, written: int | None) -> int | None:
        """Rows of the table: DuckDB keeps their number; elsewhere what was written of one that is written whole."""
        adapter = self.snapshot_evaluator.adapter
        if snapshot.is_view or snapshot.is_symbolic:
            return None
        if adapter.dialect != "duckdb":
            return written if snapshot.model.kind.is_full else None
        row = adapter.fetchone(f"SELECT COUNT(*) FROM {snapshot.table_name()}")  # noqa: S608
        return int(row[0]) if row else None

    def _failed_above(self, model: str) -> set[str]:
        upstream = {short_name(one.name): {short_name(parent.name) for parent in one.parents} for one in self.snapshots.values()}
        return above(upstream, [model]) & set(self.recorder.failed)


class RecordingContext(Context):
    """SQLMesh's context, whose plans and runs use the recording scheduler."""

    recorder: Recorder
    _lean: LeanSnapshots

    def _new_state_sync(self) -> Any:
        state: Any = super()._new_state_sync()
        self._lean = LeanSnapshots(self.cache_dir)
        state.snapshot_state._snapshot_cache = self._lean  # noqa: SLF001  (it cannot be handed in)
        return state

    def create_scheduler(self, snapshots: Any, snapshot_evaluator: Any) -> RecordingScheduler:
        """Called by SQLMesh for every plan and run."""
        scheduler = RecordingScheduler(
            snapshots,
            _listened(snapshot_evaluator, self.recorder, {short_name(one.name) for one in snapshots if is_asset(one)}),
            self.state_sync,
            default_catalog=self.default_catalog,
            max_workers=self.concurrent_tasks,
            console=self.console,
            notification_target_manager=self.notification_target_manager,
        )
        scheduler.recorder = self.recorder
        scheduler.lean = self._lean
        return scheduler


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum; None when one of the numbers is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def checked_on(snapshot: Any, models: Collection[str]) -> str:
    """The model on which the audits of a snapshot are told: itself, or one that an audit which stands alone reads; or empty."""
    return short_name(snapshot.name) if snapshot.is_model else home_of(map(short_name, snapshot.audit.depends_on), models)


def _listened(evaluator: Any, recorder: Recorder, models: Collection[str]) -> Any:
    """The evaluator, telling of every audit; the failing audits' exceptions would tell of themselves only."""
    listened = copy.copy(evaluator)

    def audit(snapshot: Any, **kwargs: Any) -> Any:
        results = type(evaluator).audit(listened, snapshot, **kwargs)
        model = checked_on(snapshot, models)
        names = check_names([(result.audit.name, partial(plain_arguments, result.audit_args)) for result in results])
        for result, name in zip(results, names, strict=True):
            if model and not result.skipped:
                recorder.emit(_told(model, name, result, listened.adapter))
        return results

    listened.audit = audit
    return listened


def _told(model: str, check: str, result: Any, adapter: Any) -> AuditDone:
    count, query = result.count or 0, result.query
    sample = _sample(adapter, query) if count else ()
    return AuditDone(model, check, count, result.blocking, query.sql(dialect=adapter.dialect, pretty=True), sample)


def _sample(adapter: Any, query: Any) -> tuple[dict[str, str], ...]:
    frame = adapter.fetchdf(query.limit(SAMPLE_ROWS))
    return tuple({str(name): str(value)[:SAMPLE_LETTERS] for name, value in row.items()} for row in frame.to_dict("records"))


def _sql(snapshot: Any) -> str:
    """The model's query; empty for one that cannot be rendered, whose error says so itself."""
    try:
        return query_of(snapshot.model)
    except SQLMeshError:
        return ""


def _cause(error: BaseException) -> str:
    audits = getattr(error, "errors", None)
    if audits:
        return "; ".join(f"audit {one.audit_name} found {one.count} row{'s' if one.count != 1 else ''}" for one in audits)
    return f"{type(error).__name__}: {error}"
