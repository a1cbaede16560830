"""What is read of Dagster's tables past its own API is there in the version that is installed."""

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import InstanceInfo, RunsTable, RunTagsTable

from oso_dagster.orchestration.ledger import dagster_tables
from tests.support.postgres import ENGINES, empty

TABLES = [AssetCheckExecutionsTable, SqlEventLogStorageTable, RunsTable, RunTagsTable, AssetKeyTable, InstanceInfo]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_that_is_read_exists(table):
    assert dagster_tables.COLUMNS[table.name] <= {column.name for column in table.columns}


def test_nothing_else_is_read():
    assert set(dagster_tables.COLUMNS) == {table.name for table in TABLES}


@pytest.fixture(params=ENGINES)
def instance(request, tmp_path):
    storage = {}
    if request.param == "postgresql":
        storage = {"storage": {"postgres": {"postgres_url": empty(request.getfixturevalue("postgres_server"))}}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=storage) as opened:
        yield opened


@dg.asset(key=["shop", "a"])
def good(): ...


def test_rows_are_read_as_dagster_wrote_them(instance):
    run_id = dg.materialize([good], instance=instance).run_id
    [(status,)] = dagster_tables.records(instance, "SELECT status FROM runs WHERE run_id IN :run_ids", run_ids=[run_id])
    assert status == "SUCCESS"
    query = "SELECT timestamp, asset_key FROM event_logs WHERE run_id IN :run_ids AND {no_index}dagster_event_type IN :kinds"
    kinds = ["ASSET_MATERIALIZATION"]
    [(at, key)] = dagster_tables.events(instance, query, run_ids=[run_id], kinds=kinds)
    [record] = instance.fetch_materializations(dg.AssetKey(["shop", "a"]), limit=1).records
    assert abs(dagster_tables.moment(at).timestamp() - record.timestamp) < 0.001
    assert key == '["shop", "a"]'
    assert dagster_tables.logs(instance, query, [run_id], kinds=kinds)[0][1] == key
    assert dagster_tables.logs(instance, query, ["a-run-without-a-log"], kinds=kinds) == []
    assert dagster_tables.events(instance, query, run_ids=[], kinds=kinds) == []


def test_the_log_of_a_run_that_is_under_way_is_read_with_its_newest_events(instance):
    @dg.op
    def looks(context):
        storage_rows = dagster_tables.logs(
            context.instance, "SELECT step_key FROM event_logs WHERE run_id IN :run_ids", [context.run_id]
        )
        assert ("looks",) in [tuple(row) for row in storage_rows]

    @dg.job(executor_def=dg.in_process_executor)
    def under_way():
        looks()

    assert under_way.execute_in_process(instance=instance).success
