"""The objectives of every data asset by itself."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.orchestration.objectives.service_assets import reliability_checks, slo_assets, slo_job
from tests.orchestration.shop import MODEL, SHOP, daily, fail, load, run, source, table


def judge_each(instance, settings, *assets, sources=(SHOP,), job="evaluate_slos"):
    checks = reliability_checks(settings, sources, [dg.AssetSpec(MODEL)])
    slos = slo_assets(settings, sources, [dg.AssetSpec(MODEL)])
    loads = dg.define_asset_job("loads", selection=dg.AssetSelection.assets(*assets)) if assets else None
    jobs = [slo_job(slos, [checks])] + ([loads] if loads else [])
    definitions = dg.Definitions(assets=[*assets, *slos], asset_checks=[checks], jobs=jobs, executor=dg.in_process_executor)
    result = definitions.resolve_job_def(job).execute_in_process(instance=instance)
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
    assert {asset for asset, name in checks if name == FRESH} == {"shop/things", "shop/prices", "marts/things_v1"}
    assert checks["marts/things_v1", FRESH].description == "nothing is due yet"
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
            table("things", fresh_within=None if stability is Stability.UNSTABLE else timedelta(hours=36)),
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
