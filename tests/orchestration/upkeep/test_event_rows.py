"""What the storage that keeps its files open writes is, row by row, what Dagster's own storage writes of the same events."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from oso_dagster.orchestration.upkeep.event_store import OpenEventLog

TABLES = ["event_logs", "asset_keys", "asset_event_tags", "asset_check_executions"]
CLOCK = {"create_timestamp"}
ASSETS = ASSET_EVENTS | ASSET_CHECK_EVENTS
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-05")


@dg.multi_asset(
    specs=[dg.AssetSpec("a"), dg.AssetSpec("b")],
    check_specs=[dg.AssetCheckSpec("well", asset="a"), dg.AssetCheckSpec("full", asset="b")],
)
def things(context):
    context.log_event(dg.AssetObservation("a", metadata={"state": "seen"}))
    yield dg.MaterializeResult("a", metadata={"dagster/row_count": 3})
    yield dg.MaterializeResult("b")
    yield dg.AssetCheckResult(asset_key="a", check_name="well", passed=True, metadata={"count": 0})
    yield dg.AssetCheckResult(asset_key="b", check_name="full", passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset(partitions_def=DAYS)
def daily():
    return 1


@dg.asset_check(asset=daily, partitions_def=DAYS)
def whole_day():
    return dg.AssetCheckResult(passed=True)


@dg.op
def strays(context):
    context.log_event(dg.AssetCheckEvaluation(asset_key=dg.AssetKey("a"), check_name="stray", passed=True))


@dg.job
def unplanned():
    strays()


def logged(instance: dg.DagsterInstance) -> list[dg.EventLogEntry]:
    """The events of real runs, in their order; of checks that were planned, and of one that was not; and of no run at all."""
    runs = [
        dg.materialize([things], instance=instance),
        dg.materialize([things], instance=instance),
        dg.Definitions([daily], asset_checks=[whole_day])
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(instance=instance, partition_key="2026-01-02"),
        unplanned.execute_in_process(instance=instance),
    ]
    instance.report_runless_asset_event(dg.AssetMaterialization("b"))
    check = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("b"), check_name="full", passed=True)
    instance.report_runless_asset_event(check)
    return [entry for run_id in [*(run.run_id for run in runs), ""] for entry in instance.all_logs(run_id)]


def rows(folder: Path) -> dict[str, Any]:
    """All rows of all files but the moments at which they were written."""
    contents = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            for table in TABLES:
                kept = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
                contents[path.name, table] = [{name: row[name] for name in row.keys() - CLOCK} for row in kept]
    return contents


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> list[dg.EventLogEntry]:
    with dg.instance_for_test(temp_dir=str(tmp_path_factory.mktemp("runs"))) as instance:
        return logged(instance)


@pytest.mark.parametrize("at_once", [False, True])
def test_the_same_events_become_the_same_rows(events, tmp_path, at_once):
    own, ours = SqliteEventLogStorage(str(tmp_path / "own")), OpenEventLog(str(tmp_path / "ours"))
    try:
        for event in events:
            own.store_event(event)
        for (_, batched), group in groupby(
            events, key=lambda event: (event.run_id, at_once and event.dagster_event_type in ASSETS)
        ):
            if batched:
                ours.store_event_batch(list(group))
            else:
                for event in group:
                    ours.store_event(event)
    finally:
        own.dispose()
        ours.dispose()
    expected = rows(tmp_path / "own")
    assert rows(tmp_path / "ours") == expected
    index = {table: expected["index.db", table] for table in TABLES}
    states = sorted((row["check_name"], row["execution_status"]) for row in index["asset_check_executions"])
    assert states == [("full", "FAILED")] * 2 + [("full", "SUCCEEDED"), ("stray", "SUCCEEDED")] + [("well", "SUCCEEDED")] * 2 + [
        ("whole_day", "SUCCEEDED")
    ]
    assert {row["partition"] for row in index["asset_check_executions"]} == {None, "2026-01-02"}
    assert {row["key"] for row in index["asset_event_tags"]} == {"dagster/data_version"}
    assert len(index["asset_keys"]) == 3
