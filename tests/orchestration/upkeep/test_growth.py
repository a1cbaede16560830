"""What a day of the platform's own work adds to all stores, at eighty assets: evaluations, pages, coverage, rounds, ticks.

Each kind of work is done a few times, by the real jobs on a real instance, and pruned as the sensor prunes; what one more adds is
counted over the last times, when freed pages are used again, and multiplied by how often it is done on a day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.domain.catalogue.second_count import SecondCount, TrueCount
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.alerts.weekly_digest import announce_week
from oso_dagster.orchestration.coverage.coverage_asset import coverage_asset, coverage_job
from oso_dagster.orchestration.objectives.service_assets import reliability_checks, slo_assets, slo_job
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.orchestration.status_page.page_asset import status_asset, status_job
from oso_dagster.orchestration.upkeep.pruning import KEPT, prune
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import source, table

BOUND = 10_000_000
ASSETS, COUNTED = 80, 10
EVALUATIONS, ROUNDS, TICKS_KEPT = 96, 2880, 96 + 96 + 1
"""Evaluations, and as many pages; rounds of alerting; ticks of schedules that started a run: others are purged after two days."""

pytestmark = pytest.mark.slow


def counted(number: int) -> SecondCount | None:
    return SecondCount("Things", lambda _: [TrueCount(f"kind {kind}", 1, 1) for kind in range(12)]) if number < COUNTED else None


SOURCES = [
    source(f"shop{each}", *(table(f"t{n}", second_count=counted(n) if each == 0 else None) for n in range(10)))
    for each in range(8)
]


@dg.asset(key=["marts", "things_v1"])
def model() -> None:
    """What is computed."""


@pytest.fixture
def instance(tmp_path: Path):
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "storage: {custom: {module: oso_dagster.orchestration.upkeep.event_store, class: OpenSqliteStorage, "
        f"config: {{base_dir: {tmp_path}}}}}}}\n"
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def size(*folders: Path) -> int:
    """Bytes of the stores in the folders, with what SQLite has only logged: the log itself grows to a size that it keeps."""
    files = [path for folder in folders for path in folder.rglob("*.db")]
    for path in files:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in files)


def added(work: Callable[[], None], stores: Callable[[], int], times: int = 6) -> float:
    """What doing it once more adds, when it was done some times before."""
    sizes = []
    for _ in range(times):
        work()
        sizes.append(stores())
    return (sizes[-1] - sizes[times // 2 - 1]) / (times - times // 2)


def test_a_day_of_the_platforms_own_work_adds_less_than_ten_megabytes_to_all_stores(instance, settings, tmp_path):
    import pyarrow as pa

    for of_table in SOURCES[0].tables:
        ids = pa.table({"id": pa.array([1], pa.int64())})
        warehouse_of(settings).load(SOURCES[0], of_table, Extract("v", {of_table.name: [ids]}), fingerprint="f")
    slos, checks = slo_assets(settings, SOURCES, list(model.specs)), reliability_checks(settings, SOURCES, list(model.specs))
    jobs = [slo_job(slos, [checks]), status_job(), coverage_job()]
    things = [dg.AssetSpec([each.name, t.name]) for each in SOURCES for t in each.tables]
    page, coverage = status_asset(settings, SOURCES, model, slos), coverage_asset(settings, SOURCES)
    definitions = dg.Definitions([*things, model, *slos, page, coverage], asset_checks=[checks], jobs=jobs)
    later = datetime.now(UTC) + KEPT + timedelta(minutes=1)

    def run(name: str) -> Callable[[], None]:
        def _run() -> None:
            assert definitions.resolve_job_def(name).execute_in_process(instance=instance).success
            prune(instance, later)

        return _run

    def stores() -> int:
        return size(tmp_path / "history", tmp_path / "schedules", settings.world_dir)

    of_day = {name: added(run(name), stores) * EVALUATIONS for name in ("evaluate_slos", "publish_status")}
    of_day["measure_coverage"] = added(run("measure_coverage"), stores, 4)
    platform = Platform(settings, SOURCES, list(model.specs), sorted(checks.check_keys))
    now = iter(datetime.now(UTC) + number * timedelta(seconds=30) for number in range(1, 99))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:

        def round_of_alerts() -> None:
            at = next(now)
            run_round(platform, store, instance, at)
            announce_week(platform, store, instance, at)

        of_day["rounds of alerts"] = added(round_of_alerts, stores, 8) * ROUNDS

    def ticks() -> None:
        for number in range(50):
            data = TickData("schedule", "evaluate_quarter_hourly", InstigatorType.SCHEDULE, TickStatus.SUCCESS, float(number),
                            run_ids=["6f1d2c9e-0000-4000-8000-000000000000"], selector_id="s" * 40)  # fmt: skip
            instance.create_tick(data)

    of_day["ticks"] = added(ticks, stores) / 50 * TICKS_KEPT
    assert len(things) == ASSETS
    assert sum(of_day.values()) < BOUND, {name: round(value) for name, value in of_day.items()}
