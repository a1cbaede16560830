"""A warehouse that was lost or replaced is reported by table, and its tables are not fresh; one that is busy is not judged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from oso_dagster.domain.alerts.incident import Incident, Kind
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Unchanged
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.ingest.jobs.present import present_partitions
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.orchestration.watch import heartbeats
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from tests.orchestration.shop import daily, source, table

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FIRST = (NOW - 3 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
KEYS = [f"{FIRST + number * DAY:%Y-%m-%d}" for number in range(3)]
BOTH = {"lost_rows:shop/things", "lost_rows:shop/days"}


def things(request: ExtractRequest) -> Extract | Unchanged:
    if request.previous is not None and (request.cache / "unchanged").exists():
        return Unchanged(request.previous.version)
    return Extract(request.now.isoformat(), {"things": [pa.table({"id": pa.array([1, 2])})]})


def days(request: ExtractRequest) -> Extract:
    assert request.window is not None
    assert request.window.start is not None
    return Extract(request.window.key, {"days": [pa.table({"day": pa.array([request.window.start.date()])})]})


SHOP = source("shop", table("things", extract=things), replace(daily(FIRST), extract=days), stability=Stability.CORE)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def load(settings: Settings, instance: dg.DagsterInstance) -> Callable[..., None]:
    """Load the whole table, or a partition of the other one, for real."""

    def _load(name: str, partition: str | None = None) -> None:
        assets = [asset for asset in ingest_assets(settings, [SHOP]) if asset.key.path[-1] == name]
        assert dg.materialize(assets, instance=instance, partition_key=partition).success

    return _load


@pytest.fixture
def lost(settings: Settings, store: Store, instance: dg.DagsterInstance) -> Callable[[], dict[str, Incident]]:
    """One round of alerting; the incidents that stand about lost rows."""
    platform = Platform(settings, [SHOP], [], [], compares_records=True)

    def _lost() -> dict[str, Incident]:
        run_round(platform, store, instance, datetime.now(UTC))
        return {incident.subject: incident for incident in store.incidents.standing() if incident.kind is Kind.LOST_ROWS}

    return _lost


@pytest.fixture
def loaded(load: Callable[..., None]) -> None:
    load("things")
    for key in KEYS:
        load("days", key)


def fresh(store: Store) -> dict[str, Freshness]:
    judged = Evaluator(store, [SHOP], measured_assets([SHOP], [])).judged_tables(Label.CORE, datetime.now(UTC))
    return {asset: each.freshness for asset, each in judged.items()}


@pytest.mark.usefixtures("loaded")
def test_a_warehouse_that_is_there_is_silent(store: Store, lost: Callable[[], dict[str, Incident]]) -> None:
    assert lost() == {}
    assert set(fresh(store).values()) == {Freshness.FRESH}


@pytest.mark.usefixtures("loaded")
def test_a_deleted_one_is_an_incident_a_table_until_the_tables_are_loaded_again(
    settings: Settings, store: Store, lost: Callable[[], dict[str, Incident]], load: Callable[..., None]
) -> None:
    assert lost() == {}
    settings.warehouse_path.unlink()
    incidents = lost()
    assert incidents.keys() == BOTH
    table_, partitions = incidents["lost_rows:shop/things"], incidents["lost_rows:shop/days"]
    assert "the whole table" in table_.body[0]
    assert f"3 partitions ({KEYS[0]} to {KEYS[-1]})" in partitions.body[0]
    assert table_.next_step.endswith("oso run ingest_shop_whole")
    assert partitions.next_step.endswith(f"oso run ingest_shop_daily --from {KEYS[0]} --to {KEYS[-1]}")
    assert set(fresh(store).values()) == {Freshness.STALE}
    assert "stale_asset" not in {incident.kind.value for incident in store.incidents.standing()}
    load("things")
    assert lost().keys() == {"lost_rows:shop/days"}
    for key in KEYS:
        load("days", key)
    assert lost() == {}
    assert set(fresh(store).values()) == {Freshness.FRESH}


@pytest.mark.usefixtures("loaded")
def test_an_older_copy_lacks_what_was_loaded_since(
    settings: Settings, lost: Callable[[], dict[str, Incident]], load: Callable[..., None]
) -> None:
    copy = settings.warehouse_path.with_suffix(".copy")
    shutil.copy(settings.warehouse_path, copy)
    load("things")
    load("days", KEYS[1])
    assert lost() == {}
    shutil.copy(copy, settings.warehouse_path)
    incidents = lost()
    assert incidents.keys() == BOTH
    assert "an older copy is there" in incidents["lost_rows:shop/things"].body[0]
    assert f"1 partition ({KEYS[1]})" in incidents["lost_rows:shop/days"].body[0]


def by_hand(settings: Settings, statement: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(statement)


def complete(store: Store) -> str:
    [days] = Evaluator(store, [SHOP], measured_assets([SHOP], [])).complete_tables(Label.CORE, datetime.now(UTC)).values()
    return days.guilty[0].note if days.guilty else ""


@pytest.mark.usefixtures("loaded")
def test_rows_deleted_by_hand_are_an_incident_and_the_next_load_asks_for_all_of_them_anew(
    settings: Settings, store: Store, lost: Callable[[], dict[str, Incident]], load: Callable[..., None]
) -> None:
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    (settings.cache_dir / "unchanged").touch()
    by_hand(settings, "DELETE FROM shop.things WHERE id = 1")
    incidents = lost()
    assert incidents.keys() == {"lost_rows:shop/things"}
    assert incidents["lost_rows:shop/things"].body == (
        "rows were deleted or added by hand: shop.things has 1 rows where 2 were published",
    )
    load("things")
    assert lost() == {}


@pytest.mark.usefixtures("loaded")
def test_a_partition_whose_rows_are_gone_is_named_missing_and_asked_for_by_its_schedule(
    settings: Settings,
    store: Store,
    instance: dg.DagsterInstance,
    lost: Callable[[], dict[str, Incident]],
    load: Callable[..., None],
) -> None:
    job = next(job for job in jobs_of(SHOP) if job.partitions is not None)
    assert present_partitions(settings, job, instance).lost == frozenset()
    by_hand(settings, f"DELETE FROM shop.days WHERE day = '{KEYS[1]}'")
    assert present_partitions(settings, job, instance).lost == {KEYS[1]}
    incidents = lost()
    assert f"shop.days[{KEYS[1]}] has 0 rows where 1 were published" in incidents["lost_rows:shop/days"].body[0]
    assert incidents["lost_rows:shop/days"].next_step.endswith(f"oso run ingest_shop_daily --from {KEYS[1]}")
    assert complete(store) == f"missing: {KEYS[1]}"
    assert set(fresh(store).values()) == {Freshness.FRESH}, "the newest partition is there"
    assert tick(settings, instance) == [KEYS[1]]
    load("days", KEYS[1])
    assert lost() == {}
    assert complete(store) == ""
    assert tick(settings, instance) == []


def tick(settings: Settings, instance: dg.DagsterInstance) -> list[str | None]:
    schedules = ingest_schedules(settings, [SHOP])
    definitions = dg.Definitions(assets=ingest_assets(settings, [SHOP]), schedules=schedules)
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime.now(UTC), repository_def=definitions.get_repository_def()
    )
    requests = next(each for each in schedules if each.name == "ingest_shop_daily").evaluate_tick(context).run_requests or ()
    for request in requests:
        assert request.run_key != f"ingest_shop_daily/{KEYS[1]}/{KEYS[1]}/0", "a run of that name may have been"
    return [request.partition_key for request in requests]


@pytest.mark.usefixtures("loaded")
def test_one_that_cannot_be_read_is_not_judged_and_what_was_known_stays(
    settings: Settings, store: Store, lost: Callable[[], dict[str, Incident]], caplog: pytest.LogCaptureFixture
) -> None:
    whole = settings.warehouse_path.read_bytes()
    settings.warehouse_path.write_bytes(b"no warehouse")
    assert lost() == {}
    assert "cannot be read" in caplog.text
    settings.warehouse_path.unlink()
    assert lost().keys() == BOTH
    settings.warehouse_path.write_bytes(b"no warehouse")
    assert lost().keys() == BOTH
    assert set(fresh(store).values()) == {Freshness.STALE}
    settings.warehouse_path.write_bytes(whole)
    assert lost() == {}


@pytest.mark.usefixtures("loaded")
def test_it_does_not_wait_long_for_a_writer(
    settings: Settings, lost: Callable[[], dict[str, Incident]], caplog: pytest.LogCaptureFixture
) -> None:
    with warehouse_of(settings).held([]):
        began = datetime.now(UTC)
        assert lost() == {}
        assert datetime.now(UTC) - began < timedelta(seconds=20)
    assert "has been open elsewhere" in caplog.text


@pytest.mark.usefixtures("loaded")
def test_one_that_cannot_be_read_for_an_hour_is_a_silence_which_begins_with_the_sensor(
    settings: Settings, store: Store, instance: dg.DagsterInstance
) -> None:
    platform, now = Platform(settings, [SHOP], [], [], compares_records=True), datetime.now(UTC)
    settings.warehouse_path.write_bytes(b"no warehouse")
    heartbeats.beat(store, heartbeats.WAREHOUSE, now - DAY)

    def silent(minutes: int) -> bool:
        run_round(platform, store, instance, now + timedelta(minutes=minutes))
        return f"silent:{heartbeats.WAREHOUSE}" in {incident.subject for incident in store.incidents.standing()}

    assert not silent(0)
    for minute in range(0, 63, 2):
        heartbeats.beat(store, heartbeats.ALERTS, now + timedelta(minutes=minute))
    assert silent(63)
