"""Hooks into SQLMesh: a context whose scheduler reports every model and every audit. Imports SQLMesh.

The hooks used are `Context.create_scheduler` (plan and run both call it), `Scheduler.run_merged_intervals`,
`Scheduler.evaluate` and `SnapshotEvaluator.audit`. They may be called from SQLMesh's worker threads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlmesh.core.context import Context
from sqlmesh.core.scheduler import EvaluateNode, Scheduler
from sqlmesh.core.snapshot import SnapshotIdBatch
from sqlmesh.core.snapshot.definition import merge_intervals
from sqlmesh.utils.date import to_timestamp
from sqlmesh.utils.errors import SQLMeshError

from ..context import is_asset, short_name
from ..events import Batch, Written
from ..lean.intervals import with_plain_inserts
from ..lean.requirements import only_imported_packages
from ..lean.snapshots import LeanSnapshots
from ..manifest.builder import query_of
from .audit_results import with_audit_events
from .model_graph import upstream_of
from .python_errors import python_cause
from .recorder import Recorder


class RecordingScheduler(Scheduler):
    """SQLMesh's scheduler, which reports to a recorder."""

    recorder: Recorder
    lean: LeanSnapshots
    roots: Collection[Path]
    continued: Mapping[Any, Sequence[tuple[int, int]]] = MappingProxyType({})
    """The intervals of models that are computed again and whose rows stand: without them SQLMesh calls it a first insert."""

    def run_merged_intervals(self, *, merged_intervals: Any, **kwargs: Any) -> Any:
        """Evaluate the schedule; afterwards report models whose table could not be created, and those that were skipped."""
        errors, skipped = super().run_merged_intervals(merged_intervals=merged_intervals, **kwargs)
        models = {short_name(snapshot.name): snapshot for snapshot in self.snapshots.values() if is_asset(snapshot)}
        for error in errors:
            name = short_name(error.node.snapshot_name)
            cause = self._cause(error.__cause__ or error, models.get(name))
            if name in models:  # the recorder drops what `evaluate` has reported
                self.recorder.batch_failed(name, cause, models[name].version or "", _sql(models[name]))
            else:
                self.recorder.upstream_failed(name, cause)
        names = {short_name(node.snapshot_name) for node in skipped if isinstance(node, EvaluateNode)}
        for model in sorted(names & models.keys() - set(self.recorder.failed)):
            self.recorder.skipped(model, self._failed_upstream(model))
        return errors, skipped

    def batch_intervals(self, *args: Any, **kwargs: Any) -> Any:
        """Learn how many batches each model has, and which models are due and wait for a signal."""
        batches = super().batch_intervals(*args, **kwargs)
        for snapshot, intervals in batches.items():
            if not intervals and is_asset(snapshot) and (signals := _signals(snapshot)):
                self.recorder.waiting[short_name(snapshot.name)] = signals
        self.recorder.begin({short_name(snapshot.name): len(intervals) for snapshot, intervals in batches.items()})
        return batches

    def evaluate(self, snapshot: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate one batch of one model, its audits included; or a standalone audit."""
        if not is_asset(snapshot):
            return super().evaluate(snapshot, *args, **kwargs)
        model = short_name(snapshot.name)
        if intervals := self.continued.get(snapshot.snapshot_id):
            snapshot.intervals = list(intervals)
        self.recorder.batch_started(model)
        self.lean.load_optimized_query(snapshot)
        try:
            results = super().evaluate(snapshot, *args, **kwargs)
        except Exception as error:
            self.recorder.batch_failed(model, self._cause(error, snapshot), snapshot.version or "", _sql(snapshot))
            raise
        stats = self._stats(snapshot, kwargs["batch_index"])
        batch = Batch((to_timestamp(kwargs["start"]), to_timestamp(kwargs["end"])), *stats)
        self.recorder.batch_done(model, batch, lambda batches: self._written(snapshot, batches))
        return results

    def _stats(self, snapshot: Any, batch: int) -> tuple[int | None, int | None]:
        """Rows and bytes of a batch, as far as the engine reports them."""
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
        """Rows of the table: counted in DuckDB; elsewhere the rows written, for a model that is written whole."""
        adapter = self.snapshot_evaluator.get_adapter(snapshot.model_gateway)
        if snapshot.is_view or snapshot.is_symbolic:
            return None
        if adapter.dialect != "duckdb":
            return written if snapshot.model.kind.is_full else None
        row = adapter.fetchone(f"SELECT COUNT(*) FROM {snapshot.table_name()}")  # noqa: S608
        return int(row[0]) if row else None

    def _cause(self, error: BaseException, snapshot: Any) -> str:
        code = snapshot.model.python_env if snapshot is not None else {}
        return python_cause(error, code, self.roots) or _cause(error)

    def _failed_upstream(self, model: str) -> set[str]:
        upstream = {
            short_name(snapshot.name): {short_name(parent.name) for parent in snapshot.parents}
            for snapshot in self.snapshots.values()
        }
        return upstream_of(upstream, [model]) & set(self.recorder.failed)


class RecordingContext(Context):
    """SQLMesh's context, whose plans and runs use the recording scheduler."""

    recorder: Recorder
    _lean: LeanSnapshots

    def _new_state_sync(self) -> Any:
        state: Any = super()._new_state_sync()
        self._lean = LeanSnapshots(self.cache_dir)
        state.snapshot_state._snapshot_cache = self._lean  # noqa: SLF001  (it cannot be handed in)
        state.interval_state.engine_adapter = with_plain_inserts(state.interval_state.engine_adapter)
        return state

    def _context_diff(self, environment: str, snapshots: Any = None, *rest: Any, **options: Any) -> Any:
        snapshots = snapshots or self.snapshots
        with only_imported_packages(self.config, snapshots.values()):
            return super()._context_diff(environment, snapshots, *rest, **options)

    def create_scheduler(self, snapshots: Any, snapshot_evaluator: Any) -> RecordingScheduler:
        """Called by SQLMesh for every plan and run."""
        scheduler = RecordingScheduler(
            snapshots,
            with_audit_events(
                snapshot_evaluator, self.recorder, {short_name(snapshot.name) for snapshot in snapshots if is_asset(snapshot)}
            ),
            self.state_sync,
            default_catalog=self.default_catalog,
            max_workers=self.concurrent_tasks,
            console=self.console,
            notification_target_manager=self.notification_target_manager,
        )
        scheduler.recorder = self.recorder
        scheduler.lean = self._lean
        scheduler.roots = tuple(self.configs)
        return scheduler


def _signals(snapshot: Any) -> tuple[str, ...]:
    return tuple(str(name) for name, _ in snapshot.model.signals)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum; None when one of the numbers is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _sql(snapshot: Any) -> str:
    """The model's query; empty for one that cannot be rendered, whose error says so itself."""
    try:
        return query_of(snapshot.model)
    except SQLMeshError:
        return ""


def _cause(error: BaseException) -> str:
    audits = getattr(error, "errors", None)
    if audits:
        return "; ".join(f"audit {audit.audit_name} found {audit.count} row{'s' if audit.count != 1 else ''}" for audit in audits)
    return f"{type(error).__name__}: {error}"
