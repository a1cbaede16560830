from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.budget import Count
from oso_dagster.domain.freshness import Freshness
from oso_dagster.domain.maintenance import Maintenance
from oso_dagster.domain.partitions import PartitionKind, Partitions
from oso_dagster.domain.sample import Sample
from oso_dagster.domain.slo import Verdict
from oso_dagster.domain.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Evidence,
    Schedule,
    Source,
    Stability,
    Table,
)
from oso_dagster.orchestration.evaluation import Evaluator, measured_assets
from oso_dagster.orchestration.labels import PLATFORM_TAG
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.orchestration.slo import reliability_checks, slo_assets, slo_job, slo_schedule
from oso_dagster.reliability.store import Store

MODEL = dg.AssetKey(["marts", "things_v1"])


def table(name, **extra):
    declared = {
        "description": "Things",
        "columns": (Column("id", ColumnType.BIGINT, "Which thing"),),
        "primary_key": ("id",),
        "disposition": Disposition.REPLACE,
        "extract": lambda _: None,
        "schedule": Schedule("0 1 * * *"),
        "cost": Cost(1, 1),
        "fresh_within": timedelta(hours=36),
    }
    return Table(name=name, **(declared | extra))


def source(name, *tables, stability=Stability.CORE):
    return Source(name, name.title(), "https://example.org", "MIT", f"team:{name}", stability, tables)


def daily(start):
    return table(
        "days",
        columns=(Column("day", ColumnType.DATE, "Which day"),),
        primary_key=("day",),
        event_time="day",
        disposition=Disposition.REPLACE_PARTITION,
        partitions=Partitions(PartitionKind.DAILY, start),
    )


SHOP = source("shop", table("things"), table("prices"))
FAIR = source("fair", table("stalls"), stability=Stability.UNSTABLE)


def load(key, body=lambda: None, **extra):
    @dg.asset(key=key, **extra)
    def _load():
        return body()

    return _load


def fail():
    raise ValueError("the till is stuck")


def run(instance, *assets):
    return dg.materialize(assets, instance=instance, raise_on_error=False)


def evaluate(instance, settings, sources=(SHOP,), service="core_source_data"):
    assets = slo_assets(settings, sources, [dg.AssetSpec(MODEL)])
    result = dg.materialize(assets, instance=instance, selection=dg.AssetSelection.assets(dg.AssetKey(["slo", service])))
    assert result.success
    return {check.check_name: check for check in result.get_asset_check_evaluations()}, result


@pytest.fixture
def loaded(instance):
    run(instance, load(["shop", "things"]), load(["shop", "prices"]))


def test_core_objectives_are_checks_with_numbers_and_a_verdict(instance, settings, loaded):
    checks, result = evaluate(instance, settings)
    verdicts = {name: check.metadata["verdict"].value for name, check in checks.items()}
    assert verdicts == {
        "materialization_reliability": "compliant",
        "data_freshness": "compliant",
        "partition_completeness": "no_data",
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


def test_a_core_table_that_never_arrived_is_stale_and_says_so(instance, settings):
    run(instance, load(["shop", "things"]))
    checks, _ = evaluate(instance, settings)
    check = checks["data_freshness"]
    assert check.metadata["verdict"].value == "breached"
    assert "shop/prices" in check.metadata["worst_assets"].value
    assert "never materialized" in check.metadata["worst_assets"].value


def test_the_status_page_finds_verdicts_and_freshness_in_the_store(instance, settings):
    body = lambda: dg.MaterializeResult(metadata={"dagster/row_count": 7})  # noqa: E731
    run(instance, load(["shop", "things"], body))
    evaluate(instance, settings)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        found = {row.objective: row for row in store.latest_verdicts()}
        rows = {row.asset: row for row in store.freshness()}
    assert found["data_freshness"].verdict is Verdict.BREACHED
    assert [one.asset for one in found["data_freshness"].guilty] == ["shop/prices"]
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
            told = {"attempt_outcome": outcome, "attempt_cause": "x", "attempt_started": at, "attempt_ended": at}
            context.log_event(dg.AssetObservation(MODEL, metadata=told))
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
        assert "shop/prices" in {one.asset for one in store.attempts()}


def test_freshness_ages_and_an_old_partition_does_not_freshen(instance, settings, tmp_path):
    sources = (source("shop", table("things"), daily(datetime(2026, 1, 1, tzinfo=UTC))),)
    labels = measured_assets(sources, [])

    @dg.asset(key=["shop", "days"], partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))
    def days() -> None: ...

    run(instance, load(["shop", "things"]))
    dg.materialize([days], instance=instance, partition_key="2026-01-01")
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        LedgerFill(instance, store.ledger, labels).run(now)
        evaluator = Evaluator(store, sources, labels)
        later = {one.objective.name: one for one in evaluator.assess("core_source_data", now + timedelta(hours=37))}
        sooner = {one.objective.name: one for one in evaluator.assess("core_source_data", now)}
    assert [one.asset for one in later["data_freshness"].guilty] == ["shop/days", "shop/things"]
    assert [one.asset for one in sooner["data_freshness"].guilty] == ["shop/days"]
    assert sooner["partition_completeness"].good == 1
    assert sooner["partition_completeness"].verdict is Verdict.BREACHED
    assert "2026-01-02" in sooner["partition_completeness"].guilty[0].note


def test_evidence_from_the_future_is_not_freshness(instance, settings, tmp_path, loaded):
    labels = measured_assets((SHOP,), [])
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        LedgerFill(instance, store.ledger, labels).run(now)
        assessed = Evaluator(store, (SHOP,), labels).assess("core_source_data", now - timedelta(hours=1))
    fresh = next(one for one in assessed if one.objective.name == "data_freshness")
    assert fresh.verdict is Verdict.BREACHED
    assert "after" in fresh.guilty[0].note


def checked(passed):
    """A load of shop/things that publishes its rows, and warns when `passed` is false."""
    key = dg.AssetKey(["shop", "things"])

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(name, asset=key) for name in ("schema", "arrived")])
    def _load():
        warned = dg.AssetCheckResult(check_name="schema", passed=passed, severity=dg.AssetCheckSeverity.WARN)
        return dg.MaterializeResult(check_results=[warned, dg.AssetCheckResult(check_name="arrived", passed=True)])

    return _load


def test_where_audits_are_the_evidence_a_load_that_warned_freshens_nothing(instance, settings):
    audited = source("shop", table("things", evidence=Evidence.AUDITS))
    run(instance, checked(passed=False))
    checks, _ = evaluate(instance, settings, (audited,))
    assert checks["data_freshness"].metadata["verdict"].value == "breached"
    assert "never materialized with all its checks passed" in checks["data_freshness"].metadata["worst_assets"].value
    assert checks["materialization_reliability"].metadata["good"].value == 1
    plain, _ = evaluate(instance, settings, (source("shop", table("things")),))
    assert plain["data_freshness"].metadata["verdict"].value == "compliant"
    run(instance, checked(passed=True))
    checks, _ = evaluate(instance, settings, (audited,))
    assert checks["data_freshness"].metadata["verdict"].value == "compliant"


@pytest.mark.parametrize(("hours", "fresh"), [(47, True), (49, False), (-48, False)])
def test_where_events_go_on_the_newest_one_must_be_new_too(instance, settings, hours, fresh):
    column = Column("at", ColumnType.TIMESTAMP, "When")
    timed = table("things", columns=(column,), primary_key=("at",), event_time="at", events_within=timedelta(hours=48))
    told = {"newest_event": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}
    run(instance, load(["shop", "things"], lambda: dg.MaterializeResult(metadata=told)))
    checks, _ = evaluate(instance, settings, (source("shop", timed),))
    check = checks["data_freshness"]
    assert check.passed is fresh
    assert fresh or "newest event" in check.metadata["worst_assets"].value


def test_lineage_runs_from_every_measured_asset_to_its_service(settings):
    deps = {
        one.key.to_user_string(): one.asset_deps[one.key] for one in slo_assets(settings, (SHOP, FAIR), [dg.AssetSpec(MODEL)])
    }
    assert deps == {
        "slo/core_source_data": {dg.AssetKey(["shop", "things"]), dg.AssetKey(["shop", "prices"])},
        "slo/unstable_source_data": {dg.AssetKey(["fair", "stalls"])},
        "slo/sqlmesh": {MODEL},
        "slo/public_applications": set(),
        "slo/consumer_trino": set(),
        "slo/kubernetes": set(),
    }


def test_the_assets_are_platform_and_their_schedule_runs_by_itself(settings):
    assets = slo_assets(settings, (SHOP,), [dg.AssetSpec(MODEL)])
    schedule = slo_schedule(slo_job(assets))
    found = dg.Definitions(assets=assets, schedules=[schedule])
    job = found.resolve_job_def("evaluate_slos")
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} >= {"slo/core_source_data", "slo/sqlmesh"}
    assert all(one.tags_by_key[one.key][PLATFORM_TAG] == "true" for one in assets)
    assert all(one.group_names_by_key[one.key] == "platform" for one in assets)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def judge_each(instance, settings, *assets, sources=(SHOP,), job="evaluate_slos"):
    checks = reliability_checks(settings, sources, [dg.AssetSpec(MODEL)])
    slos = slo_assets(settings, sources, [dg.AssetSpec(MODEL)])
    loads = dg.define_asset_job("loads", selection=dg.AssetSelection.assets(*assets)) if assets else None
    jobs = [slo_job(slos, [checks])] + ([loads] if loads else [])
    found = dg.Definitions(assets=[*assets, *slos], asset_checks=[checks], jobs=jobs, executor=dg.in_process_executor)
    result = found.resolve_job_def(job).execute_in_process(instance=instance)
    return {
        (check.asset_key.to_user_string(), check.check_name): check
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path[0] != "slo"
    }


RELIABLE, FRESH, COMPLETE = "materialization_reliability", "freshness", "partition_completeness"


def test_every_data_asset_has_a_check_of_its_own_with_the_severity_of_its_verdict(instance, settings, loaded):
    run(instance, load(["shop", "things"], fail))
    checks = judge_each(instance, settings)
    verdicts = {asset: check.metadata["verdict"].value for (asset, name), check in checks.items() if name == RELIABLE}
    assert verdicts == {"shop/things": "breached", "shop/prices": "compliant", "marts/things_v1": "no_data"}
    check = checks["shop/things", RELIABLE]
    assert (check.passed, check.severity, check.metadata["sli"].value) == (False, dg.AssetCheckSeverity.ERROR, 0.5)
    assert checks["marts/things_v1", RELIABLE].passed
    assert {asset for asset, name in checks if name == FRESH} == {"shop/things", "shop/prices"}
    assert all(check.passed for (_, name), check in checks.items() if name == FRESH)
    assert 0 <= checks["shop/things", FRESH].metadata["age_hours"].value < 1


@pytest.mark.parametrize("stability", Stability)
def test_what_is_stale_or_has_holes_is_an_error_for_core_and_a_warning_for_the_rest(instance, settings, stability):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = daily(today - timedelta(days=4))
    sources = (
        source(
            "shop",
            days,
            table("things", fresh_within=None if stability is Stability.UNSTABLE else timedelta(1)),
            stability=stability,
        ),
    )
    starts = dg.DailyPartitionsDefinition(today - timedelta(days=4))
    dg.materialize(
        [load(["shop", "days"], partitions_def=starts)], instance=instance, partition_key=f"{today - timedelta(days=2):%Y-%m-%d}"
    )
    checks = judge_each(instance, settings, sources=sources)
    loud = dg.AssetCheckSeverity.ERROR if stability is Stability.CORE else dg.AssetCheckSeverity.WARN
    complete, fresh = checks["shop/days", COMPLETE], checks["shop/days", FRESH]
    assert (complete.passed, complete.severity) == (fresh.passed, fresh.severity) == (False, loud)
    assert (complete.metadata["good"].value, complete.metadata["valid"].value) == (1, 4)
    assert f"{today - timedelta(days=1):%Y-%m-%d}" in complete.metadata["worst_assets"].value
    assert ("shop/things", FRESH) in checks if stability is Stability.CORE else ("shop/things", FRESH) not in checks
    assert ("shop/things", COMPLETE) not in checks


def test_an_asset_at_risk_is_a_warning(instance, settings):
    unstable = source("fair", table("stalls"), stability=Stability.UNSTABLE)
    for body in (fail, None, None, None):
        run(instance, load(["fair", "stalls"], body or (lambda: None)))
    check = judge_each(instance, settings, sources=(unstable,))["fair/stalls", RELIABLE]
    assert check.metadata["verdict"].value == "at_risk"
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_run_that_loads_an_asset_does_not_judge_it(instance, settings):
    assert judge_each(instance, settings, load(["shop", "things"]), load(["shop", "prices"]), job="loads") == {}


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


def test_a_renamed_asset_keeps_its_history_and_its_freshness(instance, tmp_path):
    run(instance, load(["shop", "goods"]))
    run(instance, load(["shop", "goods"], fail))
    shop, renamed = source("shop", table("things")), {"shop/goods": "shop/things"}
    labels, now = measured_assets((shop,), []), datetime.now(UTC)
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        LedgerFill(instance, store.ledger, {**labels, "shop/goods": Label.CORE}).run(now)
        now = datetime.now(UTC)
        reliability, fresh, _ = Evaluator(store, (shop,), labels, renamed=renamed).assess("core_source_data", now)
        forgotten = Evaluator(store, (shop,), labels).assess("core_source_data", now)[0]
    assert [(one.asset, one.good, one.valid) for one in reliability.guilty] == [("shop/things", 1, 2)]
    assert fresh.verdict is Verdict.COMPLIANT
    assert forgotten.verdict is Verdict.NO_DATA
