"""Every table of the catalogue, a new one at once: it says all that is asked of it, Dagster and the warehouse say it on, its
checks are there and can fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb
import pytest

from oso_dagster.domain.catalogue.kinds import forgotten_kinds
from oso_dagster.domain.catalogue.loading import NEWEST_EVENT, UNKNOWN_FIELDS, Finding, LoadRecord
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.catalogue.source import Column, ColumnType, Disposition, SchemaContract, Source, Stability, Table
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.judging.load_checks import checks_of
from oso_dagster.domain.judging.usual import PastLoad
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.objectives.service_assets import reliability_checks
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import PREFIX, Settings, read_settings
from oso_dagster.sources import catalogue
from oso_dagster.warehouse import ddl, event_time, guards
from oso_dagster.warehouse.staging import SCHEMA

EVERY = [pytest.param(source, table, id=f"{source.name}.{table.name}") for source in catalogue() for table in source.tables]
NOW = datetime.now(UTC)
VALUES = {
    ColumnType.VARCHAR: "one", ColumnType.VARCHARS: ["one"], ColumnType.BIGINT: 1, ColumnType.DOUBLE: 1.5,
    ColumnType.DECIMAL: Decimal(1), ColumnType.BOOLEAN: True, ColumnType.DATE: date(2020, 1, 1),
    ColumnType.TIMESTAMP: datetime(2020, 1, 1, tzinfo=UTC), ColumnType.JSON: "{}",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSO_HOME", str(tmp_path_factory.mktemp("catalogue")))
        return read_settings(catalogue())


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    """What the sources alone become, with the objectives of each: models are others' to test."""
    return dg.Definitions(
        assets=ingest_assets(settings, catalogue()),
        asset_checks=[reliability_checks(settings, catalogue(), [])],
        schedules=ingest_schedules(read_settings(catalogue()), catalogue()),
    )


@pytest.fixture(scope="module")
def comments(settings: Settings) -> dict[tuple[str, str, str], str]:
    """What the warehouse says of each column, and of each table under the name of an empty column."""
    warehouse_of(settings).ensure_tables(catalogue())
    with warehouse_of(settings).read() as connection:
        columns = connection.execute("SELECT schema_name, table_name, column_name, comment FROM duckdb_columns()").fetchall()
        tables = connection.execute("SELECT schema_name, table_name, '', comment FROM duckdb_tables()").fetchall()
    return {(schema, table, column): comment for schema, table, column, comment in columns + tables}


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_a_table_declares_all_that_is_asked_of_it(source: Source, table: Table) -> None:
    assert len(table.description) > 10
    assert source.licence
    assert source.owner
    assert source.homepage.startswith("https://")
    assert table.primary_key
    assert table.contract in type(table.contract)
    assert table.cost.calls > 0
    assert table.cost.bytes > 0
    assert all(column.description for columns in table.physical.values() for column in columns)
    required = {column.name for column in table.columns if not column.nullable}
    assert required >= set(table.primary_key), "a key that may be null tells no rows apart"
    if source.stability is Stability.CORE:
        assert table.promised_within is not None
    if table.partitions is not None:
        assert table.partitions.available_after > timedelta(0) or table.partitions.keys, (
            "nothing is there the moment that it ends"
        )


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_a_table_says_of_every_kind_of_quirk_how_it_is_met_or_why_not(source: Source, table: Table) -> None:
    if source.retired is None:
        assert forgotten_kinds(table) == [], "declare it, or say in why_not why it is not"
    bare = replace(table, why_not={}, identity=None, follows_renames=False)
    assert {*forgotten_kinds(table)} | {*table.why_not} == {*forgotten_kinds(bare)} - ({"identity"} if table.identity else set())


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_dagster_shows_what_a_table_declares(source: Source, table: Table, definitions: dg.Definitions) -> None:
    key = labels.asset_key(source, table)
    node = definitions.resolve_asset_graph().get(key)
    spec = definitions.resolve_assets_def(key).specs_by_key[key]
    assert table.description in (spec.description or "")
    assert spec.owners == [source.owner]
    assert spec.tags[labels.SOURCE_TAG] == source.stability.value
    assert spec.group_name == f"{source.stability.value}/{source.name}"
    assert "dlt" in spec.kinds
    shown = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert {name: column.description for name, column in shown.items()} == {c.name: c.description for c in table.columns}
    for child in table.children:
        nested = spec.metadata[f"columns of {table.name}__{child.suffix}"].columns
        assert [column.description for column in nested] == [column.description for column in child.columns]
    policy = spec.freshness_policy
    assert (policy is None) == (table.promised_within is None or source.retired is not None)
    assert policy is None or policy.fail_window.to_timedelta() == table.promised_within
    assert (node.partitions_def is None) == (table.partitions is None)


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_every_check_of_a_table_is_a_check_in_dagster(source: Source, table: Table, definitions: dg.Definitions) -> None:
    key = labels.asset_key(source, table)
    checks = {check.name for check in definitions.resolve_asset_graph().asset_check_keys if check.asset_key == key}
    wanted = {"arrived", "columns_present", "primary_key", "not_shrunk", "schema", "row_count_band"}
    wanted |= {"event_time_not_in_future"} if table.event_time else set()
    wanted |= {"in_partition"} if table.disposition is Disposition.REPLACE_PARTITION else set()
    judged = {check.name for check in checks_of(table)}
    assert judged >= wanted
    wanted |= judged
    wanted |= {"freshness"} if table.promised_within and source.retired is None else set()
    wanted |= {"partition_completeness"} if table.partitions else set()
    assert checks == wanted | ({"materialization_reliability"} if source.retired is None else set())


def spec_of(source: Source, table: Table, definitions: dg.Definitions) -> dg.AssetSpec:
    key = labels.asset_key(source, table)
    return definitions.resolve_assets_def(key).specs_by_key[key]


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_one_running_schedule_loads_a_table_when_it_says(source: Source, table: Table, definitions: dg.Definitions) -> None:
    if source.retired is not None:
        assert jobs_of(source) == ()
        assert spec_of(source, table, definitions).tags[labels.RETIRED_TAG] == source.retired.since.isoformat()
        return
    (job,) = [job for job in jobs_of(source) if table in job.tables]
    schedule = definitions.resolve_schedule_def(job.name)
    assert (schedule.cron_schedule, schedule.execution_timezone) == (table.schedule.cron, table.schedule.timezone)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert labels.asset_key(source, table) in definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_the_warehouse_says_what_a_table_and_its_columns_are(
    source: Source, table: Table, comments: dict[tuple[str, str, str], str]
) -> None:
    assert comments[source.name, table.name, ""] == table.description
    for child in table.children:
        assert comments[source.name, f"{table.name}__{child.suffix}", ""] == child.description
    for name, columns in table.physical.items():
        for column in columns:
            assert comments[source.name, name, column.name] == column.description


@pytest.mark.parametrize("source", catalogue(), ids=lambda source: source.name)
def test_every_setting_of_a_source_is_a_variable_of_the_platform(source: Source, settings: Settings) -> None:
    known = type(settings).model_fields
    for setting in source.settings:
        field = known[f"{source.name}_{setting.name}"]
        assert field.description == setting.description, f"{PREFIX}{source.name}_{setting.name}"


def staged(table: Table, rows: int = 1) -> duckdb.DuckDBPyConnection:
    """So many good rows of a table, and of what is nested in it, where dlt would have staged them."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for name, columns in table.physical.items():
        ddl.create(connection, f"{SCHEMA}.{ddl.quoted(name)}", columns)
        for number in range(rows):
            insert(connection, name, columns, [value(column, number) for column in columns])
    return connection


def insert(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column], values: list[Any]) -> None:
    connection.execute(f"INSERT INTO {SCHEMA}.{ddl.quoted(name)} VALUES ({', '.join('?' for _ in columns)})", values)


def value(column: Column, number: int) -> Any:
    return f"value {number}" if column.type is ColumnType.VARCHAR else VALUES[column.type]


def judge(
    connection: duckdb.DuckDBPyConnection, source: Source, table: Table, *, empty: bool = False, before: int | None = None
) -> dict[str, Finding]:
    counts = dict.fromkeys(table.physical, 0) if empty else guards.count(connection, table)
    record = None
    if before is not None:
        record = LoadRecord("1", source.name, table.name, None, "v", "f", dict.fromkeys(table.physical, before), NOW)
    window = None
    if table.partitions is not None:
        keys = table.partitions.keys
        window = Window(keys[0]) if keys else Window("now", NOW, NOW + timedelta(days=1))
    newest = event_time.newest(connection, f"{source.name}.{table.name}", table)
    facts: dict[str, Any] = {UNKNOWN_FIELDS: guards.undeclared(connection, table)}
    facts |= {NEWEST_EVENT: newest.isoformat()} if newest else {}
    occasion = guards.LoadContext(
        datetime.now(UTC), window, record, history=[PastLoad(NOW.date() - timedelta(days=n), 100) for n in range(1, 6)]
    )
    findings = guards.judge(connection, source.name, table, counts, facts, occasion)
    return {finding.check: finding for finding in findings}


@pytest.fixture
def bench(source: Source, table: Table) -> Iterator[duckdb.DuckDBPyConnection]:
    with staged(table) as connection:
        yield connection


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_a_good_row_passes_and_every_check_of_a_table_is_heard(
    source: Source, table: Table, bench: duckdb.DuckDBPyConnection
) -> None:
    findings = judge(bench, source, table)
    assert findings.keys() == {check.name for check in checks_of(table)}
    expected = {"row_count_band"} | ({"in_partition"} if table.disposition is Disposition.REPLACE_PARTITION else set())
    assert {name for name, finding in findings.items() if not finding.passed} <= expected
    assert findings["row_count_band"].passed is False  # one row, where a hundred are usual


@pytest.mark.parametrize(("source", "table"), EVERY)
def test_every_check_of_a_table_can_fail(source: Source, table: Table, bench: duckdb.DuckDBPyConnection) -> None:
    name = f"{SCHEMA}.{ddl.quoted(table.name)}"
    again = [value(column, 0) for column in table.columns]
    insert(bench, table.name, table.columns, again)
    assert not judge(bench, source, table)["primary_key"].passed, "a key that is there twice"
    bench.execute(f"DELETE FROM {name}")
    insert(bench, table.name, table.columns, [None for _ in table.columns])
    assert not judge(bench, source, table)["primary_key"].passed, "a key that is null"
    bench.execute(f"ALTER TABLE {name} ADD COLUMN a_surprise VARCHAR")
    surprise = judge(bench, source, table)["schema"]
    assert (surprise.passed, surprise.blocking) == (False, table.contract is SchemaContract.FREEZE)
    assert "a_surprise" in surprise.message
    if table.event_time is not None:
        bench.execute(f"UPDATE {name} SET {ddl.quoted(table.event_time)} = now() + INTERVAL 30 DAY")
        assert not judge(bench, source, table)["event_time_not_in_future"].passed
    if table.disposition is Disposition.REPLACE:
        assert not judge(bench, source, table, before=100)["not_shrunk"].passed
    assert judge(bench, source, table, empty=True)["arrived"].passed is table.may_be_empty
    bench.execute(f"ALTER TABLE {name} DROP COLUMN {ddl.quoted(table.columns[-1].name)}")
    lost = judge(bench, source, table)["columns_present"]
    assert not lost.passed
    assert table.columns[-1].name in lost.message


def test_the_checks_of_a_table_with_a_list_of_partitions_are_judged_by_the_same_tests() -> None:
    source = next(each for each in catalogue() if each.name == "npm")
    columns = (Column("chain", ColumnType.VARCHAR, "Name of the chain", nullable=False), source.tables[0].columns[-1])
    table = Table(
        name="by_chain",
        description="One row per chain.",
        columns=columns,
        primary_key=("chain",),
        disposition=Disposition.REPLACE_PARTITION,
        partitions=Partitions(PartitionKind.STATIC, keys=("value 0", "other")),
        partition_key="chain",
        extract=source.tables[0].extract,
        schedule=source.tables[0].schedule,
        cost=source.tables[0].cost,
    )
    with staged(table) as connection:
        test_a_good_row_passes_and_every_check_of_a_table_is_heard(source, table, connection)
        assert judge(connection, source, table)["in_partition"].passed
    with staged(table) as connection:
        test_every_check_of_a_table_can_fail(source, table, connection)
