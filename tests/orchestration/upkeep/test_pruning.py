"""The platform's own runs are kept for a stated time, and what they add to Dagster's storage is bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.orchestration.upkeep.pruning import FAILED_KEPT, KEPT, prune

ASSETS, EVALUATIONS_A_DAY, BOUND = 80, 96, 10_000_000
KEYS = [dg.AssetKey(["shop", f"table_{number}"]) for number in range(ASSETS)]


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(name, asset=key) for key in KEYS for name in ("reliability", "fresh", "complete")])
def judged():
    for key in KEYS:
        for name in ("reliability", "fresh", "complete"):
            yield dg.AssetCheckResult(asset_key=key, check_name=name, passed=True, description="all is well " * 5)


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "storage: {custom: {module: oso_dagster.orchestration.upkeep.event_store, class: OpenSqliteStorage, "
        f"config: {{base_dir: {tmp_path}}}}}}}\n"
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def evaluate(instance, job="evaluate_slos"):
    definitions = dg.Definitions(
        asset_checks=[judged], jobs=[dg.define_asset_job(job, selection=dg.AssetSelection.checks(judged))]
    )
    return definitions.resolve_job_def(job).execute_in_process(instance=instance).run_id


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "history").rglob("*") if path.is_file())


def test_evaluations_of_eighty_assets_add_less_than_ten_megabytes_a_day(instance, tmp_path):
    later = datetime.now(UTC) + KEPT + timedelta(minutes=1)
    sizes = []
    for _ in range(6):
        evaluate(instance)
        prune(instance, later)
        sizes.append(size(tmp_path))
    assert (sizes[5] - sizes[2]) / 3 * EVALUATIONS_A_DAY < BOUND
    assert instance.get_runs_count() == 1


def test_the_newest_run_and_the_newest_result_of_each_check_stay_and_so_do_loads(instance):
    load, first, second = evaluate(instance, "ingest_shop"), evaluate(instance), evaluate(instance)
    assert prune(instance, datetime.now(UTC)) == 0
    assert prune(instance, datetime.now(UTC) + FAILED_KEPT) == 1
    assert {run.run_id for run in instance.get_runs()} == {load, second}
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(judged.check_keys))
    assert {record.run_id for record in newest.values()} == {second}
    assert first not in {run.run_id for run in instance.get_runs()}


def test_results_that_are_still_the_newest_outlive_their_run(instance):
    first = evaluate(instance)

    @dg.op
    def nothing() -> None: ...

    @dg.job(name="evaluate_slos")
    def without_checks() -> None:
        nothing()

    without_checks.execute_in_process(instance=instance)
    assert prune(instance, datetime.now(UTC) + FAILED_KEPT) == 1
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(judged.check_keys))
    assert len(newest) == 3 * ASSETS
    assert {record.run_id for record in newest.values()} == {first}
