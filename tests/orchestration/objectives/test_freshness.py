"""When a table is fresh: its age, its partitions, its audits, its newest events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.catalogue.source import Column, ColumnType, Evidence
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import SHOP, daily, evaluate, fail, load, run, source, table


def test_a_core_table_that_never_arrived_is_stale_and_says_so(instance, settings):
    run(instance, load(["shop", "things"]))
    checks, _ = evaluate(instance, settings)
    check = checks["data_freshness"]
    assert check.metadata["verdict"].value == "breached"
    assert "shop/prices" in check.metadata["worst_assets"].value
    assert "never materialized" in check.metadata["worst_assets"].value


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
        later = {
            assessment.objective.name: assessment
            for assessment in evaluator.assess("core_source_data", now + timedelta(hours=37))
        }
        sooner = {assessment.objective.name: assessment for assessment in evaluator.assess("core_source_data", now)}
    assert [asset.asset for asset in later["data_freshness"].guilty] == ["shop/days", "shop/things"]
    assert [asset.asset for asset in sooner["data_freshness"].guilty] == ["shop/days"]
    assert sooner["partition_completeness"].good == 1
    assert sooner["partition_completeness"].verdict is Verdict.BREACHED
    assert "2026-01-02" in sooner["partition_completeness"].guilty[0].note


def test_what_is_stale_says_which_partition_is_missing_or_whose_checks_failed(instance, settings, tmp_path):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday, due = f"{today - timedelta(days=1):%Y-%m-%d}", f"{today + timedelta(hours=3):%Y-%m-%d %H:%M}"
    days = daily(today - timedelta(days=1))
    sources = [source("shop", days), source("shop", replace(days, evidence=Evidence.AUDITS))]
    labels, key = measured_assets(sources, []), dg.AssetKey(["shop", "days"])
    later = today + timedelta(hours=6)

    @dg.asset(
        key=key, partitions_def=dg.DailyPartitionsDefinition(yesterday), check_specs=[dg.AssetCheckSpec("whole", asset=key)]
    )
    def loaded():
        warned = dg.AssetCheckResult(check_name="whole", passed=False, severity=dg.AssetCheckSeverity.WARN)
        return dg.MaterializeResult(check_results=[warned])

    def judged(store):
        tables = [
            Evaluator(store, [source], labels).judged_tables(Label.CORE, max(later, datetime.now(UTC))) for source in sources
        ]
        return [(each["shop/days"].freshness, each["shop/days"].note) for each in tables]

    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        store.results.remember_assets({"shop/days"}, today - timedelta(days=9))
        assert judged(store) == [(Freshness.STALE, f"partition {yesterday} is missing, due since {due} UTC")] * 2
        dg.materialize([loaded], instance=instance, partition_key=yesterday)
        LedgerFill(instance, store.ledger, labels).run(datetime.now(UTC))
        failed = f"partition {yesterday} is there, but not all of its checks passed"
        assert judged(store) == [(Freshness.FRESH, ""), (Freshness.STALE, failed)]


def test_a_new_source_is_stale_only_after_its_first_load_must_have_ended(settings):
    seen = datetime(2026, 5, 4, 10, tzinfo=UTC)
    shop = source("shop", table("things"), daily(datetime(2015, 1, 1, tzinfo=UTC)))
    labels = measured_assets([shop], [])
    first = shop.terms_of(shop.tables[0]).first_due(seen)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.results.remember_assets({"shop/things", "shop/days"}, seen)
        evaluator = Evaluator(store, [shop], labels)
        assert {table.freshness for table in evaluator.judged_tables(Label.CORE, first - timedelta(seconds=1)).values()} == {
            Freshness.NOT_DUE
        }
        assert {table.freshness for table in evaluator.judged_tables(Label.CORE, first).values()} == {Freshness.STALE}


def test_what_became_due_after_a_command_began_is_not_asked_of_it(settings):
    begin = datetime(2026, 5, 4, 2, 56, tzinfo=UTC)
    shop = source("shop", daily(datetime(2026, 5, 3, tzinfo=UTC)))
    labels, now = measured_assets([shop], []), begin + timedelta(minutes=7)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.results.remember_assets({"shop/days"}, begin - timedelta(days=9))

        def verdicts(due_at):
            assessments = Evaluator(store, [shop], labels, due_at=due_at).assess("core_source_data", now)
            due = {"data_freshness", "partition_completeness"}
            return {
                assessment.objective.name: assessment.verdict for assessment in assessments if assessment.objective.name in due
            }

        assert set(verdicts(None).values()) == {Verdict.BREACHED}
        assert set(verdicts(begin).values()) == {Verdict.NO_DATA}
        assert set(verdicts(begin + timedelta(days=1)).values()) == {Verdict.BREACHED}  # never later than now


def test_evidence_from_the_future_is_not_freshness(instance, settings, tmp_path, loaded):
    labels = measured_assets((SHOP,), [])
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        LedgerFill(instance, store.ledger, labels).run(now)
        assessed = Evaluator(store, (SHOP,), labels).assess("core_source_data", now - timedelta(hours=1))
    fresh = next(assessment for assessment in assessed if assessment.objective.name == "data_freshness")
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
    metadata = {"newest_event": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}
    run(instance, load(["shop", "things"], lambda: dg.MaterializeResult(metadata=metadata)))
    checks, _ = evaluate(instance, settings, (source("shop", timed),))
    check = checks["data_freshness"]
    assert check.passed is fresh
    assert fresh or "newest event" in check.metadata["worst_assets"].value


def test_a_renamed_asset_keeps_its_history_and_its_freshness(instance, tmp_path):
    run(instance, load(["shop", "goods"]))
    run(instance, load(["shop", "goods"], fail))
    shop, renamed = source("shop", table("things")), {"shop/goods": "shop/things"}
    labels, now = measured_assets((shop,), []), datetime.now(UTC)
    with Store.open(f"sqlite:///{tmp_path / 'own.db'}", "sandbox") as store:
        LedgerFill(instance, store.ledger, {**labels, "shop/goods": Label.CORE}).run(now)
        now = datetime.now(UTC)
        reliability, fresh, *_ = Evaluator(store, (shop,), labels, renamed=renamed).assess("core_source_data", now)
        forgotten = Evaluator(store, (shop,), labels).assess("core_source_data", now)[0]
    assert [(asset.asset, asset.good, asset.valid) for asset in reliability.guilty] == [("shop/things", 1, 2)]
    assert fresh.verdict is Verdict.COMPLIANT
    assert forgotten.verdict is Verdict.NO_DATA
