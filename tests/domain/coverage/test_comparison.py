"""Coverage: the bounds of the share that is held, and when a promise is broken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isclose, sqrt

import pytest

from oso_dagster.domain.coverage.comparison import Comparison, tallies_of
from oso_dagster.domain.objectives.objectives import COVERAGE, EXTENSION, summary
from oso_dagster.domain.objectives.slo import Verdict, evaluate

NOW = datetime(2026, 8, 2, 7, 30, tzinfo=UTC)
DAY = NOW.replace(hour=0, minute=0)


def comparison(held, low, high=None, **more):
    given = {"asset": "github/events", "category": "WatchEvent", "measured_at": NOW, "target": 9_500}
    return Comparison(held=held, low=low, high=low if high is None else high, **(given | more))


@pytest.mark.parametrize(
    ("held", "low", "high", "verdict"),
    [
        (95, 100, 100, Verdict.COMPLIANT),
        (94, 100, 100, Verdict.BREACHED),
        (9_499, 10_000, 10_000, Verdict.BREACHED),
        (94, 98, 100, Verdict.COMPLIANT),
        (0, 0, 0, Verdict.NO_DATA),
        (0, 0, 5, Verdict.COMPLIANT),
        (120, 100, 100, Verdict.COMPLIANT),
    ],
)
def test_a_promise_is_broken_when_the_upper_bound_is_below_the_target(held, low, high, verdict):
    assert comparison(held, low, high).verdict is verdict


def test_the_bounds_are_those_of_the_true_count():
    assert comparison(90, 100, 120).bounds == (0.75, 0.9)
    assert comparison(0, 0).bounds is None


def test_a_small_sample_that_is_compatible_with_the_promise_alarms_nobody():
    assert comparison(18, 20, sampled=True).verdict is Verdict.COMPLIANT
    assert comparison(18, 20).verdict is Verdict.BREACHED
    assert comparison(1_800, 2_000, sampled=True).verdict is Verdict.BREACHED


@pytest.mark.parametrize("count", [1, 7, 50, 400])
def test_the_verdict_on_a_sample_is_that_of_the_upper_end_of_wilsons_interval(count):
    """Against the formula with its root, as Wilson wrote it."""
    for held in range(count + 1):
        share, z = held / count, 1.96
        upper = (share + z * z / (2 * count) + z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (
            1 + z * z / count
        )
        sampled = comparison(held, count, sampled=True)
        assert isclose((sampled.bounds or (0, 0))[1], upper)
        if abs(upper - 0.95) > 1e-9:
            assert (sampled.verdict is Verdict.BREACHED) == (upper < 0.95)


def test_a_comparison_says_what_is_compared_and_when():
    day = {"since": DAY, "until": DAY + timedelta(days=1)}
    assert comparison(30, 200, 250, **day).in_words == (
        "WatchEvent 12.00 % to 15.00 % of 200 to 250 (target 95.00 %) on 2026-08-02"
    )
    assert replace(comparison(5, 5), category="").in_words == "100.00 % of 5 (target 95.00 %)"


def test_each_category_counts_by_itself_and_the_worst_are_named_first():
    tallies = tallies_of(
        [
            comparison(10, 100),
            comparison(50, 100, category="IssuesEvent"),
            comparison(100, 100, category="PushEvent"),
            comparison(0, 0, category="ForkEvent"),
            comparison(7, 7, asset="op_atlas/project", category=""),
        ]
    )
    assert [(tally.asset, tally.good, tally.valid) for tally in tallies] == [("github/events", 1, 3), ("op_atlas/project", 1, 1)]
    assert tallies[0].note.startswith("WatchEvent 10.00 % of 100 (target 95.00 %); IssuesEvent 50.00 %")
    assessed = evaluate(COVERAGE, tallies, NOW)
    assert assessed.verdict is Verdict.BREACHED
    assert summary(assessed) == f"2 of 4 second counts are reached (50.00 %); the target is all of them {EXTENSION}"


def test_nothing_that_could_be_compared_is_no_data_and_marked_as_ours_as_well():
    assessed = evaluate(COVERAGE, tallies_of([comparison(0, 0)]), NOW)
    assert assessed.verdict is Verdict.NO_DATA
    assert summary(assessed).endswith(EXTENSION)
    assert EXTENSION in COVERAGE.title


@pytest.mark.parametrize(
    ("held", "low", "high", "sampled", "proven"),
    [
        (99, 100, 100, False, True),
        (95, 100, 100, False, True),
        (95, 99, 101, False, False),
        (12, 12, 12, True, False),
        (1_200, 1_200, 1_200, True, True),
        (0, 0, 0, False, False),
    ],
)
def test_a_promise_is_proven_where_the_lower_bound_reaches_it(held, low, high, sampled, proven):
    compared = comparison(held, low, high, sampled=sampled)
    assert compared.proven is proven
    assert compared.verdict is not Verdict.BREACHED
