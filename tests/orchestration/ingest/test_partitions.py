"""Partitions through Dagster: one or a range in a run, idempotent, asked for when due and missing, given up loudly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import CONTINUATION, CUT_SHORT, Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Retries, Schedule, Source, Stability, Table
from oso_dagster.domain.due.cadence import MOST_TRIES
from oso_dagster.orchestration.alerts.failing_checks import failing_checks
from oso_dagster.orchestration.ingest.jobs.schedules import GivenUpError, ingest_schedules, partition_tags
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings

KEY = dg.AssetKey(["shop", "sales"])
DUE_AFTER = timedelta(hours=4)
START = datetime(2026, 1, 7, tzinfo=UTC)
NOW = datetime(2026, 1, 10, 2, tzinfo=UTC)


def sales(request: ExtractRequest) -> Extract:
    window = request.window
    assert window is not None
    if window.key == "2026-01-08" and request.source == "broken":
        raise ConnectionError("reset by peer")
    rows = pa.table({"day": pa.array([window.start], pa.timestamp("us", tz="UTC")), "n": pa.array([1])})
    return Extract(window.key, {"sales": [rows]})


def shop(**changes: Any) -> Source:
    given: dict[str, Any] = {
        "name": "sales",
        "description": "Sales by day",
        "columns": (Column("day", ColumnType.TIMESTAMP, "the day"), Column("n", ColumnType.BIGINT, "how many")),
        "primary_key": ("day",),
        "disposition": Disposition.REPLACE_PARTITION,
        "extract": sales,
        "schedule": Schedule("0 2 * * *"),
        "cost": Cost(1, 1),
        "event_time": "day",
        "events_may_stop": "invented",
        "partitions": Partitions(PartitionKind.DAILY, START, due_after=DUE_AFTER),
        "range_in_one_run": True,
        "retries": Retries(0),
    }
    return Source("shop", "Shop", "https://example.org", "MIT", "team:data", Stability.UNSTABLE, (Table(**(given | changes)),))


def load(settings: Settings, instance: dg.DagsterInstance, source: Source, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    return dg.materialize(ingest_assets(settings, [source]), instance=instance, tags=tags, raise_on_error=False)


def windows(*keys: str) -> list[Any]:
    return [Partitions(PartitionKind.DAILY, START, due_after=DUE_AFTER).window(key) for key in keys]


def days(settings: Settings) -> list[str]:
    with warehouse_of(settings).read() as connection:
        rows = connection.execute("SELECT strftime(day AT TIME ZONE 'UTC', '%Y-%m-%d') FROM shop.sales ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def test_a_range_of_partitions_loads_in_one_run_and_doing_it_twice_gives_the_same_rows(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    tags = partition_tags(windows("2026-01-07", "2026-01-09"))
    for _ in range(2):
        assert load(settings, instance, shop(), tags).success
        assert days(settings) == ["2026-01-07", "2026-01-08", "2026-01-09"]
    assert instance.get_materialized_partitions(KEY) == {"2026-01-07", "2026-01-08", "2026-01-09"}
    result = load(settings, instance, shop(), partition_tags(windows("2026-01-08")))
    assert result.success
    assert len(days(settings)) == 3
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert [metadata[name].value for name in ("dagster/row_count", "dagster/partition_row_count", "rows_loaded")] == [3, 1, 1]


def test_a_partition_that_fails_in_a_range_is_named_and_keeps_those_before_it(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    source = shop(extract=lambda request: sales(replace(request, source="broken")))
    result = load(settings, instance, source, partition_tags(windows("2026-01-07", "2026-01-09")))
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "shop.sales[2026-01-08]: reset by peer" in str(failed.step_failure_data)
    assert instance.get_materialized_partitions(KEY) == {"2026-01-07"}
    assert days(settings) == ["2026-01-07"]


def test_the_retry_of_a_range_goes_on_with_what_is_missing_and_a_new_run_does_all_of_it(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    asked: list[str] = []

    def passing(request: ExtractRequest) -> Extract:
        assert request.window is not None
        asked.append(request.window.key)
        return sales(replace(request, source="broken") if asked.count(request.window.key) == 1 else request)

    source = shop(extract=passing, retries=Retries(1, timedelta(0)))
    tags = partition_tags(windows("2026-01-07", "2026-01-09"))
    result = load(settings, instance, source, tags)
    assert result.success
    assert asked == ["2026-01-07", "2026-01-08", "2026-01-08", "2026-01-09"]
    assert days(settings) == ["2026-01-07", "2026-01-08", "2026-01-09"]
    assert instance.get_materialized_partitions(KEY) == set(days(settings))
    assert {check.check_name for check in result.get_asset_check_evaluations()} >= {"arrived", "primary_key", "in_partition"}
    asked.clear()
    assert load(settings, instance, source, tags).success
    assert asked == ["2026-01-07", "2026-01-08", "2026-01-08", "2026-01-09"], "of another run, the first partition too"


def test_an_automatic_retry_of_a_run_goes_on_as_well_and_a_run_that_a_person_starts_again_does_not(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    asked: list[str] = []

    def failing(request: ExtractRequest) -> Extract:
        assert request.window is not None
        asked.append(request.window.key)
        return sales(replace(request, source="broken") if len(asked) == 2 else request)

    source, tags = shop(extract=failing), partition_tags(windows("2026-01-07", "2026-01-08"))
    failed = load(settings, instance, source, tags)
    assert instance.get_materialized_partitions(KEY) == {"2026-01-07"}
    again = {"dagster/parent_run_id": failed.run_id, "dagster/root_run_id": failed.run_id}
    assert load(settings, instance, source, tags | again | {"dagster/retry_number": "1"}).success
    assert load(settings, instance, source, tags | again).success
    assert asked == ["2026-01-07", "2026-01-08", "2026-01-08", "2026-01-07", "2026-01-08"]


def test_a_load_that_a_rate_limit_cut_short_is_kept_warned_of_and_gone_on_with(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    seen: list[Any] = []

    def some(request: ExtractRequest) -> Extract:
        seen.append(request.previous.continuation if request.previous else None)
        rows = pa.table({"day": pa.array([START + timedelta(len(seen))], pa.timestamp("us", tz="UTC")), "n": pa.array([1])})
        facts = {CUT_SHORT: "rate limit", CONTINUATION: {"page": 2}} if len(seen) == 1 else {}
        return Extract(str(len(seen)), {"sales": [rows]}, facts)

    source = shop(
        extract=some,
        partitions=None,
        range_in_one_run=False,
        disposition=Disposition.MERGE,
        resumable=True,
        keeps_deleted="invented",
    )
    for expected in (False, True):
        result = load(settings, instance, source, {})
        assert result.success
        (complete,) = [check for check in result.get_asset_check_evaluations() if check.check_name == "complete"]
        assert (complete.passed, complete.severity) == (expected, dg.AssetCheckSeverity.WARN)
    assert seen == [None, {"page": 2}]
    assert len(days(settings)) == 2
    (event,) = result.get_asset_materialization_events()
    told_of = event.materialization.metadata
    assert (told_of["dagster/row_count"].value, told_of["rows_loaded"].value) == (2, 1)
    assert "dagster/partition_row_count" not in told_of


def tick(instance: dg.DagsterInstance, settings: Settings, source: Source, now: datetime = NOW) -> list[str | None]:
    (schedule,) = ingest_schedules(settings, [source])
    definitions = dg.Definitions(assets=ingest_assets(settings, [source]), schedules=[schedule])
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=now, repository_def=definitions.get_repository_def()
    )
    return [request.run_key for request in schedule.evaluate_tick(context).run_requests or ()]


def test_a_schedule_asks_for_every_due_partition_that_is_missing(settings: Settings, instance: dg.DagsterInstance) -> None:
    source = shop(range_in_one_run=False)
    assert load(settings, instance, source, partition_tags(windows("2026-01-08"))).success
    first, last = "2026-01-07", "2026-01-09"
    assert tick(instance, settings, source) == [f"ingest_shop/{first}/{first}/0", f"ingest_shop/{last}/{last}/0"]


def test_a_schedule_asks_again_for_what_may_have_changed_once_its_age_has_doubled(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    source = shop(changes_within=timedelta(days=2000))
    assert load(settings, instance, source, partition_tags(windows("2026-01-07", "2026-01-09"))).success
    age = datetime.now(UTC) - START
    early, late = (tick(instance, settings, source, START + age * share) for share in (1.5, 2.5))
    assert [str(key).split("/")[1:3] for key in early if "2026-01" in str(key)] == []
    assert [str(key).split("/")[1:3] for key in late if "2026-01" in str(key)] == [["2026-01-07", "2026-01-09"]]
    assert tick(instance, settings, shop(), START + age * 2.5) == late[1:], "without changes_within only what is missing"


def test_a_schedule_asks_again_for_a_partition_that_a_limit_cut_short(settings: Settings, instance: dg.DagsterInstance) -> None:
    def some(request: ExtractRequest) -> Extract:
        extract = sales(request)
        return replace(extract, facts={CUT_SHORT: "rate limit"} if extract.version == "2026-01-08" else {})

    source = shop(extract=some, resumable=True)
    assert load(settings, instance, source, partition_tags(windows("2026-01-07", "2026-01-09"))).success
    (key,) = tick(instance, settings, source)
    assert str(key).startswith("ingest_shop/2026-01-08/2026-01-08/0/")


def test_a_refused_partition_of_a_range_keeps_none_behind_it_from_loading(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    stretches: list[Any] = []

    def refusing(request: ExtractRequest) -> Extract:
        stretches.append([window.key for window in request.stretch.windows])
        if request.window is not None and request.window.key == "2026-01-08":
            raise RefusedError("not counted yet")
        return sales(request)

    tags = partition_tags(windows("2026-01-07", "2026-01-09"))
    result = load(settings, instance, shop(extract=refusing), tags)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "shop.sales[2026-01-08]: not counted yet" in str(failed.step_failure_data)
    assert days(settings) == ["2026-01-07", "2026-01-09"]
    assert instance.get_materialized_partitions(KEY) == {"2026-01-07", "2026-01-09"}
    assert stretches == [["2026-01-07", "2026-01-08", "2026-01-09"]] * 3


def test_what_a_check_finds_of_one_partition_is_not_covered_up_by_the_next_one(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    def misplaced(request: ExtractRequest) -> Extract:
        assert request.window is not None
        other = windows("2026-01-09")[0] if request.window.key == "2026-01-07" else request.window
        return replace(sales(replace(request, window=other)), version=request.window.key)

    check, declared = dg.AssetCheckKey(KEY, "in_partition"), {KEY: {"2026-01-07", "2026-01-08"}}
    for key, source in [("2026-01-07", shop(extract=misplaced)), ("2026-01-08", shop(extract=misplaced))]:
        assert load(settings, instance, source, partition_tags(windows(key))).success is (key == "2026-01-08")
    (failing,) = failing_checks(instance, [check], declared)
    assert failing.reason.startswith("2026-01-07: ")
    assert failing_checks(instance, [check], {KEY: {"2026-01-08"}}) == [], "nobody loads the other any more"
    assert load(settings, instance, shop(), partition_tags(windows("2026-01-07"))).success
    assert failing_checks(instance, [check], declared) == []


def test_a_schedule_asks_for_no_partition_that_is_being_loaded(settings: Settings, instance: dg.DagsterInstance) -> None:
    add_run(instance, "2026-01-07", dg.DagsterRunStatus.STARTED)
    assert tick(instance, settings, shop()) == ["ingest_shop/2026-01-08/2026-01-09/0"]


def test_a_schedule_gives_up_loudly(settings: Settings, instance: dg.DagsterInstance) -> None:
    for key in ("2026-01-07", "2026-01-08", "2026-01-09"):
        for _ in range(MOST_TRIES):
            add_run(instance, key, dg.DagsterRunStatus.FAILURE)
    with pytest.raises(dg.DagsterError) as caught:
        tick(instance, settings, shop())
    assert isinstance(caught.value.__cause__, GivenUpError)
    assert "given up after 5 tries: 2026-01-07, 2026-01-08, 2026-01-09" in str(caught.value.__cause__)


def add_run(instance: dg.DagsterInstance, key: str, status: dg.DagsterRunStatus) -> None:
    run = dg.DagsterRun(job_name="ingest_shop", tags={"dagster/partition": key}, status=status)
    instance.add_run(run)
