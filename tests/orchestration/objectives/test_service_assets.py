"""The objectives of a service as an asset with checks: what counts in them, and what they say."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.orchestration.labels import COVERAGE_KEY, PLATFORM_TAG
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.objectives.service_assets import slo_assets, slo_job, slo_schedule
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import FAIR, MODEL, SHOP, evaluate, fail, load, run, source, table


def test_core_objectives_are_checks_with_numbers_and_a_verdict(instance, settings, loaded):
    checks, result = evaluate(instance, settings)
    verdicts = {name: check.metadata["verdict"].value for name, check in checks.items()}
    assert verdicts == {
        "materialization_reliability": "compliant",
        "data_freshness": "compliant",
        "partition_completeness": "no_data",
        "data_coverage": "no_data",
    }
    assert all(check.passed for check in checks.values())
    [event] = result.asset_materializations_for_node("slo__core_source_data")
    assert event.metadata["materialization_reliability/sli"].value == 1.0
    assert event.metadata["materialization_reliability/budget"].value == "no failure allowed"
    assert "partition_completeness/sli" not in event.metadata


def test_a_failed_materialization_breaches_and_does_not_fail_the_evaluation(instance, settings, loaded):
    run(instance, load(["shop", "things"], fail))
    checks, _ = evaluate(instance, settings)
    check = checks["materialization_reliability"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (check.metadata["good"].value, check.metadata["valid"].value) == (2, 3)
    assert "ValueError: the till is stuck" in check.metadata["worst_assets"].value


def test_the_status_page_finds_verdicts_and_freshness_in_the_store(instance, settings):
    body = lambda: dg.MaterializeResult(metadata={"dagster/row_count": 7})  # noqa: E731
    run(instance, load(["shop", "things"], body))
    evaluate(instance, settings)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        verdicts = {row.objective: row for row in store.latest_verdicts()}
        rows = {row.asset: row for row in store.freshness()}
    assert verdicts["data_freshness"].verdict is Verdict.BREACHED
    assert [asset.asset for asset in verdicts["data_freshness"].guilty] == ["shop/prices"]
    assert (rows["shop/things"].rows, rows["shop/things"].freshness) == (7, Freshness.FRESH)
    assert (rows["shop/prices"].last_good, rows["shop/prices"].freshness) == (None, Freshness.STALE)


def test_core_counts_no_unstable_and_no_model(instance, settings, loaded):
    run(instance, load(["fair", "stalls"], fail))
    run(instance, load(MODEL, fail))
    checks, _ = evaluate(instance, settings, (SHOP, FAIR))
    assert checks["materialization_reliability"].metadata["valid"].value == 2
    checks, _ = evaluate(instance, settings, (SHOP, FAIR), "unstable_source_data")
    assert checks["materialization_reliability"].metadata["verdict"].value == "breached"


def test_without_unstable_sources_their_objective_has_no_data(instance, settings):
    checks, _ = evaluate(instance, settings, service="unstable_source_data")
    check = checks["materialization_reliability"]
    assert (check.passed, check.metadata["verdict"].value) == (True, "no_data")


def test_every_attempt_at_a_model_counts(instance, settings):
    @dg.multi_asset(specs=[dg.AssetSpec(MODEL)])
    def models(context: dg.AssetExecutionContext):
        at = datetime.now(UTC).timestamp() - 5
        for outcome in ("failed", "ok"):
            at += 1
            metadata = {"attempt_outcome": outcome, "attempt_cause": "x", "attempt_started": at, "attempt_ended": at}
            context.log_event(dg.AssetObservation(MODEL, metadata=metadata))
        yield dg.MaterializeResult(asset_key=MODEL)

    run(instance, models)
    checks, _ = evaluate(instance, settings, service="sqlmesh")
    check = checks["materialization_reliability"]
    assert (check.metadata["good"].value, check.metadata["valid"].value) == (1, 2)


def test_the_platform_counts_in_no_objective(instance, settings, loaded):
    evaluate(instance, settings)
    checks, _ = evaluate(instance, settings)
    assert checks["materialization_reliability"].metadata["valid"].value == 2


def test_an_asset_that_left_the_catalogue_stops_counting_and_stays_in_history(instance, settings, loaded):
    run(instance, load(["shop", "prices"], fail))
    evaluate(instance, settings)
    smaller = source("shop", table("things"))
    checks, _ = evaluate(instance, settings, (smaller,))
    assert checks["materialization_reliability"].metadata["verdict"].value == "compliant"
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        assert "shop/prices" in {attempt.asset for attempt in store.attempts()}


def test_lineage_runs_from_every_measured_asset_to_its_service(settings):
    deps = {
        asset.key.to_user_string(): asset.asset_deps[asset.key]
        for asset in slo_assets(settings, (SHOP, FAIR), [dg.AssetSpec(MODEL)])
    }
    assert deps == {
        "slo/core_source_data": {dg.AssetKey(["shop", "things"]), dg.AssetKey(["shop", "prices"]), COVERAGE_KEY},
        "slo/unstable_source_data": {dg.AssetKey(["fair", "stalls"])},
        "slo/sqlmesh": {MODEL},
        "slo/public_applications": set(),
        "slo/consumer_trino": set(),
        "slo/kubernetes": set(),
    }


def test_the_assets_are_platform_and_their_schedule_runs_by_itself(settings):
    assets = slo_assets(settings, (SHOP,), [dg.AssetSpec(MODEL)])
    schedule = slo_schedule(slo_job(assets))
    definitions = dg.Definitions(assets=assets, schedules=[schedule])
    job = definitions.resolve_job_def("evaluate_slos")
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} >= {"slo/core_source_data", "slo/sqlmesh"}
    assert all(asset.tags_by_key[asset.key][PLATFORM_TAG] == "true" for asset in assets)
    assert all(asset.group_names_by_key[asset.key] == "platform" for asset in assets)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_a_change_of_label_counts_from_then_on(instance, tmp_path):
    fair = {stability: source("fair", table("stalls"), stability=stability) for stability in Stability}
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        for stability, body in ((Stability.UNSTABLE, fail), (Stability.CORE, lambda: None)):
            run(instance, load(["fair", "stalls"], body))
            labels = measured_assets((fair[stability],), [])
            LedgerFill(instance, store.ledger, labels).run(datetime.now(UTC))
        evaluator = Evaluator(store, (fair[Stability.CORE],), labels)
        [core, *_] = evaluator.assess("core_source_data", datetime.now(UTC))
        [unstable] = evaluator.assess("unstable_source_data", datetime.now(UTC))
    assert (core.good, core.valid, unstable.good, unstable.valid) == (1, 1, 0, 1)


def test_samples_are_judged_with_their_slices_and_the_tiers_that_fire(instance, settings):
    now = datetime.now(UTC)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        good = [
            Sample("public_applications", "requests", Count(now - timedelta(days=9, minutes=m), 1000, 1000), "web")
            for m in range(99)
        ]
        store.samples.record([*good, Sample("public_applications", "requests", Count(now, 4, 10), "api")])
    checks, _ = evaluate(instance, settings, service="public_applications")
    check = checks["requests"]
    assert check.metadata["verdict"].value == "at_risk"
    assert (check.metadata["good"].value, check.metadata["valid"].value) == (99_004, 99_010)
    assert "| api | 6 | 10 |" in check.metadata["worst_assets"].value
    assert "| page | 1:00:00 and 0:05:00 |" in check.metadata["alerts_that_fire"].value
    assert checks["availability"].metadata["verdict"].value == "no_data"


def test_maintenance_leaves_the_indicator_and_is_shown(instance, settings, loaded):
    run(instance, load(["shop", "things"], fail))
    now = datetime.now(UTC)
    window = Maintenance("shop/things", now - timedelta(hours=1), now + timedelta(hours=1), "ada", "a new till")
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.maintenance.add(window)
    checks, _ = evaluate(instance, settings)
    reliability, fresh = checks["materialization_reliability"], checks["data_freshness"]
    assert (reliability.metadata["good"].value, reliability.metadata["valid"].value) == (1, 1)
    assert "a new till" in reliability.metadata["maintenance_left_out"].value
    assert fresh.metadata["valid"].value == 1


def test_a_breach_says_when_the_objective_will_be_met_again(instance, settings, loaded):
    run(instance, load(["shop", "things"], fail))
    checks, _ = evaluate(instance, settings)
    check = checks["materialization_reliability"]
    assert "no failure allowed, 1 seen, met again" in check.metadata["budget"].value
    assert check.metadata["met_again"].value > datetime.now(UTC).timestamp() + 29 * 86_400
