"""Each hook of SQLMesh that the wrapper stands on, by name: an upgrade that moves one fails here first."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
from sqlmesh.core.config import scheduler as scheduler_config
from sqlmesh.core.context import Context
from sqlmesh.core.context_diff import ContextDiff
from sqlmesh.core.environment import Environment
from sqlmesh.core.plan.definition import Plan
from sqlmesh.core.scheduler import EvaluateNode, Scheduler
from sqlmesh.core.snapshot import Snapshot, SnapshotEvaluator, SnapshotIdBatch
from sqlmesh.core.snapshot.definition import merge_intervals
from sqlmesh.core.snapshot.evaluator import AuditResult
from sqlmesh.core.snapshot.execution_tracker import QueryExecutionStats, QueryExecutionTracker
from sqlmesh.core.state_sync import StateReader
from sqlmesh.utils.date import to_timestamp
from sqlmesh.utils.errors import NodeAuditsErrors, PlanError, SQLMeshError

TAKES = {
    Context.__init__: {"paths", "config", "gateway", "load"},
    Context.create_scheduler: {"snapshots", "snapshot_evaluator"},
    Context.scheduler: {"environment"},
    Context.plan_builder: {
        "environment", "skip_tests", "restate_models", "select_models", "include_unmodified", "start", "end",
    },
    Context.apply: {"plan", "circuit_breaker"},
    Context.run_janitor: {"ignore_ttl"},
    Scheduler.__init__: {
        "snapshots", "snapshot_evaluator", "state_sync", "default_catalog", "max_workers", "console",
        "notification_target_manager",
    },
    Scheduler.run: {"environment", "restatements", "selected_snapshots", "circuit_breaker"},
    Scheduler.run_merged_intervals: {"merged_intervals"},
    Scheduler.batch_intervals: {"merged_intervals"},
    Scheduler.evaluate: {"snapshot", "start", "end", "batch_index"},
    SnapshotEvaluator.audit: {"snapshot"},
    QueryExecutionTracker.get_execution_context: {"snapshot_id_batch"},
    ContextDiff.directly_modified: {"name"},
    StateReader.get_environment: {"environment"},
    StateReader.get_environments_summary: set(),
}  # fmt: skip
HAS = {
    Context: {"state_sync", "console", "concurrent_tasks", "notification_target_manager", "models", "dag", "test", "close"},
    Plan: {"context_diff", "new_snapshots", "has_changes"},
    ContextDiff: {"added", "modified_snapshots", "snapshots", "is_new_environment", "has_changes"},
    Environment: {"finalized_ts", "plan_id"},
    Snapshot: {"intervals", "version", "parents", "snapshot_id", "is_view", "is_symbolic", "is_external", "table_name"},
    AuditResult: {"audit", "audit_args", "count", "query", "skipped", "blocking"},
    EvaluateNode: {"snapshot_name"},
    QueryExecutionStats: {"total_rows_processed", "total_bytes_processed"},
    SnapshotIdBatch: {"snapshot_id", "batch_id"},
}


def members(kind: type) -> set[str]:
    declared = set(dir(kind)) | set(getattr(kind, "model_fields", ())) | set(getattr(kind, "__annotations__", ()))
    made = set()
    if kind is Context:
        made = {word.split(".")[1] for word in inspect.getsource(inspect.getmodule(kind)).split() if word.startswith("self.")}
    return declared | made | ({one.name for one in fields(kind)} if hasattr(kind, "__dataclass_fields__") else set())


@pytest.mark.parametrize("hook", TAKES, ids=lambda hook: hook.__qualname__)
def test_the_hook_takes_what_it_is_given(hook):
    assert TAKES[hook] <= set(inspect.signature(hook).parameters)


@pytest.mark.parametrize("kind", HAS, ids=lambda kind: kind.__name__)
def test_the_value_has_what_is_read(kind):
    assert HAS[kind] <= members(kind)


def test_plan_and_run_make_their_scheduler_through_the_hook():
    assert "self.create_scheduler(" in inspect.getsource(Context.scheduler)
    assert "create_scheduler=context.create_scheduler" in inspect.getsource(scheduler_config)


def test_the_scheduler_evaluates_by_keywords_and_returns_errors_and_skipped_nodes():
    source = inspect.getsource(Scheduler.run_merged_intervals)
    for text in (
        "self.evaluate(",
        "start=start",
        "batch_index=node.batch_index",
        "self.batch_intervals(",
        "return errors, skipped",
    ):
        assert text in source
    assert "self.snapshot_evaluator.audit(" in inspect.getsource(Scheduler._audit_snapshot)


def test_small_things_are_where_they_were():
    assert merge_intervals([(1, 2), (2, 3)]) == [(1, 3)]
    assert to_timestamp("1970-01-02") == 86_400_000
    assert "errors" in inspect.signature(NodeAuditsErrors).parameters
    assert issubclass(PlanError, SQLMeshError)
