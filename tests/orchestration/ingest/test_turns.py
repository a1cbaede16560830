"""Two loads of the same follow each other: waiting is no failure, and what is under way is seen whoever loads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules, partition_tags
from oso_dagster.orchestration.ingest.table_assets import fingerprint, ingest_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings
from tests.orchestration.ingest.test_partitions import KEY, NOW, days, load, sales, shop, tick, windows

DAY = "2026-01-08"


@contextmanager
def other_run(settings: Settings, source: Source, then: Callable[[], object] = lambda: None) -> Iterator[threading.Event]:
    """Another run that has its turn at the day until the event is set; `then` it does what is given, and ends."""
    (table,) = source.tables
    (window,) = windows(DAY)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with warehouse_of(settings).turn(source, table, window, lambda: None) as waited:
            assert not waited
            begun.set()
            go_on.wait(30)
            then()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    try:
        yield go_on
    finally:
        go_on.set()
        thread.join()


def counting(calls: list[str]) -> Callable[[ExtractRequest], Extract]:
    def extract(request: ExtractRequest) -> Extract:
        assert request.window is not None
        calls.append(request.window.key)
        return sales(request)

    return extract


def load_directly(settings: Settings, source: Source) -> None:
    (table,) = source.tables
    (window,) = windows(DAY)
    request: Any = type("Request", (), {"window": window, "source": "shop"})()
    warehouse_of(settings).load(source, table, sales(request), fingerprint=fingerprint(table), window=window)


def test_a_day_that_another_run_loaded_meanwhile_is_good_and_not_asked_for_again(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    calls: list[str] = []
    source = shop(extract=counting(calls))
    with other_run(settings, source, lambda: load_directly(settings, source)) as go_on:
        threading.Timer(1.0, go_on.set).start()
        result = load(settings, instance, source, partition_tags(windows(DAY)))
    assert result.success
    assert calls == []
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["unchanged"].value is True
    assert days(settings) == [DAY]


def test_a_day_that_the_other_run_did_not_load_is_loaded(settings: Settings, instance: dg.DagsterInstance) -> None:
    calls: list[str] = []
    source = shop(extract=counting(calls))
    with other_run(settings, source) as go_on:
        threading.Timer(1.0, go_on.set).start()
        assert load(settings, instance, source, partition_tags(windows(DAY))).success
    assert calls == [DAY]


def test_what_is_raised_while_waiting_ends_the_wait(settings: Settings) -> None:
    source = shop()
    (window,) = windows(DAY)

    def terminated() -> None:
        raise KeyboardInterrupt

    turn = warehouse_of(settings).turn(source, source.tables[0], window, terminated)
    with other_run(settings, source), pytest.raises(KeyboardInterrupt), turn:
        pass


def single_run(instance: dg.DagsterInstance, *keys: dg.AssetKey) -> None:
    """A run of one day from the browser: it has a job of Dagster's own, and selects assets."""
    status = dg.DagsterRunStatus.STARTED
    tags = {"dagster/partition": "2026-01-07"}
    instance.add_run(dg.DagsterRun(job_name="__ASSET_JOB", tags=tags, status=status, asset_selection=frozenset(keys)))


def test_a_schedule_sees_what_is_loaded_from_the_browser(settings: Settings, instance: dg.DagsterInstance) -> None:
    single_run(instance, KEY)
    assert tick(instance, settings, shop()) == ["ingest_shop/2026-01-08/2026-01-09/0"]


def test_a_schedule_does_not_take_a_run_of_other_tables_for_its_own(settings: Settings, instance: dg.DagsterInstance) -> None:
    single_run(instance, dg.AssetKey(["shop", "others"]))
    assert tick(instance, settings, shop()) == ["ingest_shop/2026-01-07/2026-01-09/0"]


def test_a_schedule_sees_what_a_backfill_has_still_to_start(settings: Settings, instance: dg.DagsterInstance) -> None:
    definitions = dg.Definitions(assets=ingest_assets(settings, [shop()]), schedules=ingest_schedules(settings, [shop()]))
    graph = definitions.get_repository_def().asset_graph
    wanted = {AssetKeyPartitionKey(KEY, day) for day in ("2026-01-07", DAY)}
    data = AssetBackfillData.empty(AssetGraphSubset.from_asset_partition_set(wanted, graph), NOW.timestamp(), None)
    instance.add_backfill(
        PartitionBackfill(
            backfill_id="from the browser",
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=NOW.timestamp(),
            asset_selection=[KEY],
            serialized_asset_backfill_data=None,
            asset_backfill_data=data,
        )
    )
    assert tick(instance, settings, shop()) == ["ingest_shop/2026-01-09/2026-01-09/0"]
