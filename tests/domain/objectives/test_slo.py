from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.burn import firing
from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES, budget_text, objective_of, of_service, percent, summary
from oso_dagster.domain.objectives.slo import (
    ALL,
    Indicator,
    Objective,
    Tally,
    Verdict,
    allowed_failures,
    budget_left,
    burn_rate,
    evaluate,
    missed,
    tally_attempts,
    tally_families,
    tally_samples,
    verdict_of,
)

NOW = datetime(2026, 3, 31, tzinfo=UTC)
MONTH = timedelta(days=30)
RELIABILITY, FRESHNESS, COMPLETENESS, _ = of_service("core_source_data")


def attempt(outcome, ended, *, run="r1", asset="shop/things", will_retry=False, family=None):
    return Attempt(run, asset, None, Label.CORE, outcome, family or run, ended, ended, "why", will_retry=will_retry)


@pytest.mark.parametrize(
    ("good", "valid", "target", "is_missed"),
    [(899, 1000, 9_000, True), (9_899, 10_000, 9_900, True), (9_900, 10_000, 9_900, False), (3, 4, 7_500, False)],
)
def test_the_published_check_figures_are_missed_or_met(good, valid, target, is_missed):
    assert missed(good, valid, target) is is_missed


def test_one_failure_too_many_burns_the_budget_by_the_published_factor():
    assert burn_rate(899, 1000, 9_000) == burn_rate(9_899, 10_000, 9_900) == Fraction(101, 100)
    assert budget_left(9_899, 10_000, 9_900) == Fraction(-1, 100)


@pytest.mark.parametrize(("target", "valid", "allowed"), [(9_900, 30, 0), (9_900, 100, 1), (9_900, 720, 7), (7_500, 30, 7)])
def test_allowed_failures_are_whole_and_cut_off(target, valid, allowed):
    assert allowed_failures(valid, target) == allowed


def test_ten_requests_an_hour_at_three_nines_allow_seven_failures_of_13_9_percent_each():
    valid = 10 * 24 * 30
    assert allowed_failures(valid, 9_990) == 7
    assert round(burn_rate(valid - 1, valid, 9_990) * 1000) == 139
    assert burn_rate(9, 10, 9_990) == 100


@given(st.integers(1, 10_000), st.data())
def test_missed_is_what_exact_fractions_say(valid, data):
    good = data.draw(st.integers(0, valid))
    target = data.draw(st.integers(1, ALL))
    assert missed(good, valid, target) is (Fraction(good, valid) < Fraction(target, ALL))
    assert missed(good, valid, target) is (valid - good > allowed_failures(valid, target))


def test_three_quarters_of_the_budget_is_at_risk_and_less_is_not():
    assert verdict_of(9_925, 10_000, 9_900) is Verdict.AT_RISK
    assert verdict_of(9_926, 10_000, 9_900) is Verdict.COMPLIANT
    assert verdict_of(9_900, 10_000, 9_900) is Verdict.AT_RISK
    assert verdict_of(9_899, 10_000, 9_900) is Verdict.BREACHED


def test_nothing_valid_is_no_data_and_neither_good_nor_bad():
    assert verdict_of(0, 0, 9_900) is Verdict.NO_DATA
    assessment = evaluate(RELIABILITY, [], NOW)
    assert summary(assessment) == "no data: no materialization was judged in the window"
    assert budget_text(assessment) == ""


def test_ratios_are_pooled_and_never_averaged():
    assessment = evaluate(RELIABILITY, [Tally("a", 1, 2), Tally("b", 998, 998)], NOW)
    assert (assessment.good, assessment.valid, assessment.verdict) == (999, 1000, Verdict.COMPLIANT)


def test_one_incomplete_asset_breaches_however_complete_the_others_are():
    assessment = evaluate(COMPLETENESS, [Tally("a", 98, 100), Tally("b", 10_000, 10_000)], NOW)
    assert assessment.verdict is Verdict.BREACHED
    assert [asset.asset for asset in assessment.guilty] == ["a"]


def test_an_objective_on_all_has_no_budget_and_is_never_at_risk():
    assert evaluate(FRESHNESS, [Tally("a", 1, 1)], NOW).verdict is Verdict.COMPLIANT
    one_stale = evaluate(FRESHNESS, [Tally("a", 1, 1), Tally("b", 0, 1)], NOW)
    assert one_stale.verdict is Verdict.BREACHED
    assert burn_rate(1, 2, ALL) is None
    assert budget_text(one_stale) == ""


@pytest.mark.parametrize(
    ("good", "valid", "text"),
    [
        (30, 30, "no failure allowed"),
        (29, 30, "no failure allowed, 1 seen"),
        (714, 720, "1 of 7 failures left"),
        (711, 720, "overspent: 9 failures, 7 allowed"),
    ],
)
def test_budgets_are_told_in_whole_events(good, valid, text):
    assert budget_text(evaluate(RELIABILITY, [Tally("a", good, valid)], NOW)) == text


def test_percent_is_cut_off_so_that_a_missed_target_never_reads_as_met():
    assert percent(989_999, 1_000_000) == "98.99 %"


def test_the_summary_names_the_count_and_the_target():
    assessment = evaluate(RELIABILITY, [Tally("a", 9_899, 10_000)], NOW)
    assert summary(assessment) == "9,899 of 10,000 materializations succeeded (98.99 %); the target is 99.00 %"


def test_the_window_is_open_at_its_start_and_closed_at_its_end():
    since = NOW - MONTH
    edges = [since, since + timedelta(microseconds=1), NOW, NOW + timedelta(microseconds=1)]
    attempts = [attempt(Outcome.OK, at, run=f"r{index}") for index, at in enumerate(edges)]
    assert [tally.valid for tally in tally_families(attempts, since, NOW)] == [2]
    assert [tally.valid for tally in tally_attempts(attempts, since, NOW)] == [2]


def test_after_retries_a_saved_family_is_one_good_and_regardless_of_them_one_of_two():
    attempts = [
        attempt(Outcome.FAILED, NOW - timedelta(hours=2), will_retry=True),
        attempt(Outcome.OK, NOW - timedelta(hours=1), run="r2", family="r1"),
    ]
    assert [(tally.good, tally.valid) for tally in tally_families(attempts, NOW - MONTH, NOW)] == [(1, 1)]
    assert [(tally.good, tally.valid) for tally in tally_attempts(attempts, NOW - MONTH, NOW)] == [(1, 2)]


def test_what_is_not_counted_is_not_valid():
    attempts = [attempt(outcome, NOW, run=outcome) for outcome in Outcome if outcome not in (Outcome.OK, Outcome.FAILED)]
    assert tally_families(attempts, NOW - MONTH, NOW) == []
    assert tally_attempts(attempts, NOW - MONTH, NOW) == []


@pytest.mark.parametrize("target", [0, ALL + 1])
def test_an_objective_with_an_impossible_target_cannot_be_built(target):
    with pytest.raises(ValueError, match=r"shop\.sales"):
        Objective("shop", "sales", "Sales", Label.CORE, Indicator.FAMILIES, target, MONTH)


def test_a_tally_with_more_good_than_valid_cannot_be_built():
    with pytest.raises(ValueError, match="2 good of 1 valid"):
        Tally("a", 2, 1)


def test_objective_ids_are_unique_and_the_targets_are_the_published_ones():
    published = {objective.id: objective.target for objective in OBJECTIVES}
    assert len(published) == len(OBJECTIVES)
    assert published == {
        "core_source_data.materialization_reliability": 9_900,
        "core_source_data.data_freshness": ALL,
        "core_source_data.partition_completeness": 9_900,
        "core_source_data.data_coverage": 10_000,
        "unstable_source_data.materialization_reliability": 7_500,
        "sqlmesh.materialization_reliability": 9_900,
        "public_applications.availability": 9_900,
        "public_applications.requests": 9_900,
        "consumer_trino.availability": 9_900,
        "consumer_trino.queries": 9_000,
        "kubernetes.availability": 9_900,
        "kubernetes.flux_availability": 9_900,
    }
    assert {objective.service for objective in OBJECTIVES} == set(SERVICES)


def test_an_objective_is_found_by_its_id_and_an_unknown_one_names_those_that_exist():
    assert objective_of("consumer_trino.queries").target == 9_000
    with pytest.raises(LookupError, match=r"consumer_trino\.queries"):
        objective_of("consumer_trino.quarries")


def test_a_tier_that_fires_puts_an_objective_at_risk():
    burning = firing([Count(NOW, 0, 10)], 9_900, NOW)
    assert evaluate(RELIABILITY, [Tally("a", 9_990, 10_000)], NOW).verdict is Verdict.COMPLIANT
    assert evaluate(RELIABILITY, [Tally("a", 9_990, 10_000)], NOW, burning).verdict is Verdict.AT_RISK
    assert evaluate(RELIABILITY, [Tally("a", 0, 10)], NOW, burning).verdict is Verdict.BREACHED


def test_samples_are_summed_per_slice_inside_the_window():
    samples = [("web", Count(NOW, 9, 10)), ("web", Count(NOW - MONTH, 0, 10)), ("api", Count(NOW - MONTH / 2, 10, 10))]
    assert tally_samples(samples, NOW - MONTH, NOW) == [Tally("api", 10, 10), Tally("web", 9, 10)]


@pytest.mark.parametrize(
    ("label", "indicator", "window"),
    [
        (None, Indicator.FAMILIES, MONTH),
        (Label.CORE, Indicator.SAMPLES, MONTH),
        (Label.CORE, Indicator.FAMILIES, None),
        (Label.CORE, Indicator.FRESH_ASSETS, MONTH),
    ],
)
def test_an_objective_that_could_not_be_counted_cannot_be_built(label, indicator, window):
    with pytest.raises(ValueError, match=r"shop\.sales"):
        Objective("shop", "sales", "Sales", label, indicator, 9_900, window)
