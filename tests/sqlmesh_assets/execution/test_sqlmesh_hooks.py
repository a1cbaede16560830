"""Each hook of SQLMesh that the wrapper stands on, by name: an upgrade that moves one fails here first."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest
from sqlmesh.core import constants
from sqlmesh.core.audit import StandaloneAudit
from sqlmesh.core.config import scheduler as scheduler_config
from sqlmesh.core.config.connection import parse_connection_config
from sqlmesh.core.config.loader import load_configs
from sqlmesh.core.config.root import Config
from sqlmesh.core.context import Context
from sqlmesh.core.context_diff import ContextDiff
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.engine_adapter.bigquery import BigQueryEngineAdapter
from sqlmesh.core.environment import Environment
from sqlmesh.core.lineage import column_dependencies
from sqlmesh.core.model import PythonModel, SqlModel
from sqlmesh.core.model.cache import OptimizedQueryCache
from sqlmesh.core.model.kind import FullKind
from sqlmesh.core.node import IntervalUnit
from sqlmesh.core.plan.builder import PlanBuilder
from sqlmesh.core.plan.definition import Plan
from sqlmesh.core.renderer import QueryRenderer
from sqlmesh.core.scheduler import CreateNode, EvaluateNode, Scheduler
from sqlmesh.core.snapshot import Snapshot, SnapshotChangeCategory, SnapshotEvaluator, SnapshotIdBatch
from sqlmesh.core.snapshot.cache import SnapshotCache
from sqlmesh.core.snapshot.definition import merge_intervals
from sqlmesh.core.snapshot.evaluator import AuditResult
from sqlmesh.core.snapshot.execution_tracker import QueryExecutionStats, QueryExecutionTracker
from sqlmesh.core.state_sync import EngineAdapterStateSync, StateReader
from sqlmesh.core.state_sync.db.interval import IntervalState
from sqlmesh.core.state_sync.db.snapshot import SnapshotState
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.date import to_timestamp
from sqlmesh.utils.errors import NodeAuditsErrors, PlanError, PythonModelEvalError, SQLMeshError
from sqlmesh.utils.metaprogramming import Executable

TAKES = {
    Context.__init__: {"paths", "config", "gateway", "load"},
    Context.create_scheduler: {"snapshots", "snapshot_evaluator"},
    Context.scheduler: {"environment"},
    Context.plan_builder: {
        "environment", "skip_tests", "restate_models", "select_models", "include_unmodified", "start", "end",
    },
    Context._new_state_sync: set(),
    Context._context_diff: {"environment", "snapshots"},
    EngineAdapter.insert_append: {"table_name", "query_or_df", "target_columns_to_types"},
    Context._load_materializations: set(),
    Context.apply: {"plan", "circuit_breaker"},
    PlanBuilder.set_choice: {"snapshot", "choice"},
    load_configs: {"config", "config_type", "paths"},
    parse_connection_config: {"v"},
    column_dependencies: {"context", "model_name", "column"},
    SnapshotCache.__init__: {"path"},
    SnapshotCache.get_or_load: {"snapshot_ids", "loader"},
    SnapshotCache.put: {"snapshot"},
    OptimizedQueryCache.with_optimized_query: {"model"},
    Context.run_janitor: {"ignore_ttl"},
    Scheduler.__init__: {
        "snapshots", "snapshot_evaluator", "state_sync", "default_catalog", "max_workers", "console",
        "notification_target_manager",
    },
    Scheduler.run: {
        "environment", "restatements", "selected_snapshots", "circuit_breaker", "auto_restatement_enabled",
        "run_environment_statements",
    },
    Scheduler.run_merged_intervals: {"merged_intervals"},
    Scheduler.batch_intervals: {"merged_intervals"},
    Scheduler.evaluate: {"snapshot", "start", "end", "batch_index"},
    SnapshotEvaluator.audit: {"snapshot", "snapshots", "start", "end"},
    QueryExecutionTracker.get_execution_context: {"snapshot_id_batch"},
    EngineAdapter._record_execution_stats: {"sql", "rowcount", "bytes_processed"},
    ContextDiff.directly_modified: {"name"},
    StateReader.get_environment: {"environment"},
    StateReader.get_environments_summary: set(),
}  # fmt: skip
MODEL = {
    "fqn", "kind", "description", "owner", "tags", "grains", "depends_on", "audits_with_args", "dialect", "interval_unit",
    "start", "is_seed", "is_python", "column_descriptions", "columns_to_types", "_path",
}  # fmt: skip
HAS = {
    Context: {
        "state_sync",
        "console",
        "concurrent_tasks",
        "notification_target_manager",
        "models",
        "dag",
        "test",
        "close",
        "load",
        "cache_dir",
        "configs",
        "standalone_audits",
        "default_catalog",
    },
    Config: {"cache_dir", "get_gateway", "infer_python_dependencies"},
    Plan: {"context_diff", "new_snapshots", "has_changes", "uncategorized"},
    SqlModel: MODEL | {"render_query", "is_sql", "_query_renderer", "python_env", "mapping_schema"},
    QueryRenderer: {"_optimized_cache"},
    PythonModel: MODEL | {"python_env"},
    Executable: {"payload", "path", "kind"},
    StandaloneAudit: {"depends_on", "skip", "description"},
    FullKind: {"is_symbolic", "is_embedded", "is_full", "is_view", "is_incremental_by_time_range", "name"},
    Scheduler: {"snapshots", "snapshots_by_name", "snapshot_evaluator", "state_sync"},
    SnapshotEvaluator: {"adapter", "execution_tracker"},
    EngineAdapterStateSync: {"snapshot_state", "interval_state"},
    IntervalState: {"engine_adapter"},
    SnapshotState: {"_snapshot_cache"},
    SnapshotCache: {"_snapshot_cache", "_optimized_query_cache", "_entry_name", "_update_node_hash_cache"},
    ContextDiff: {"added", "modified_snapshots", "snapshots", "is_new_environment", "has_changes"},
    Environment: {"finalized_ts", "plan_id"},
    Snapshot: {
        "intervals",
        "dev_intervals",
        "version",
        "parents",
        "snapshot_id",
        "is_view",
        "is_symbolic",
        "is_audit",
        "is_model",
        "model",
        "audit",
        "table_name",
    },
    AuditResult: {"audit", "audit_args", "count", "query", "skipped", "blocking"},
    EvaluateNode: {"snapshot_name"},
    CreateNode: {"snapshot_name"},
    NodeExecutionFailedError: {"node"},
    QueryExecutionStats: {"total_rows_processed", "total_bytes_processed"},
    SnapshotIdBatch: {"snapshot_id", "batch_id"},
}


def members(kind: type) -> set[str]:
    declared = set(dir(kind)) | set(getattr(kind, "model_fields", ())) | set(getattr(kind, "__annotations__", ()))
    for parent in kind.__mro__:
        declared |= set(getattr(parent, "__annotations__", ())) | set(getattr(parent, "__private_attributes__", ()))
    made = {name for parent in kind.__mro__ if parent.__module__.startswith("sqlmesh.") for name in assigned(parent)}
    return declared | made | ({field.name for field in fields(kind)} if hasattr(kind, "__dataclass_fields__") else set())


def assigned(kind: type) -> set[str]:
    return set(re.findall(r"\bself\.(\w+)(?:: [^=\n]+)? = ", inspect.getsource(kind)))


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


def test_bigquery_is_the_engine_that_tells_bytes():
    assert "query_job.total_bytes_processed" in inspect.getsource(BigQueryEngineAdapter._execute)


def test_small_things_are_where_they_were():
    assert constants.PROD == "prod"
    assert constants.MAX_FORK_WORKERS is None or constants.MAX_FORK_WORKERS >= 1
    assert {unit.value for unit in IntervalUnit} >= {"day", "hour", "five_minute"}
    assert SnapshotChangeCategory.BREAKING.is_breaking
    assert merge_intervals([(1, 2), (2, 3)]) == [(1, 3)]
    assert to_timestamp("1970-01-02") == 86_400_000
    assert "errors" in inspect.signature(NodeAuditsErrors).parameters
    assert issubclass(PlanError, SQLMeshError)
    assert issubclass(PythonModelEvalError, SQLMeshError)
