from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.domain.objectives.budget import (
    ALL,
    Count,
    allowed_failures,
    budget_minutes,
    budget_spent,
    minutes_left,
    missed,
    recovery,
    total,
)

NOW = datetime(2026, 3, 31, tzinfo=UTC)
MONTH, DAY, HOUR = timedelta(days=30), timedelta(days=1), timedelta(hours=1)


def daily(good_days, bad_days):
    return [Count(NOW - DAY * day, 1, 1) for day in good_days] + [Count(NOW - DAY * day, 0, 1) for day in bad_days]


@pytest.mark.parametrize(
    ("target", "lasting", "share"),
    [
        (9_990, HOUR, Fraction(1389, 1000)),
        (9_000, HOUR, Fraction(139, 10_000)),
        (9_900, timedelta(hours=7, minutes=12), Fraction(1)),
    ],
)
def test_a_total_outage_spends_the_published_share_of_the_budget(target, lasting, share):
    assert abs(budget_spent(Fraction(1), lasting, MONTH, target) - share) < Fraction(1, 5_000)


def test_99_percent_of_30_days_is_432_minutes_and_five_nines_are_26_seconds():
    assert budget_minutes(MONTH, 9_900) == 432
    assert minutes_left(9_950, 10_000, 9_900, MONTH) == 216
    assert minutes_left(0, 0, 9_900, MONTH) is None
    assert budget_spent(Fraction(1), timedelta(seconds=25.92), MONTH, 9_999) == Fraction(1, 10)
    assert timedelta(seconds=25.92) * 100_000 == MONTH  # 99.999 % is finer than a basis point


def test_of_7200_requests_at_three_nines_each_failure_spends_13_9_percent():
    assert budget_spent(Fraction(1, 7200), MONTH, MONTH, 9_990) == Fraction(5, 36)


def test_what_is_not_missed_has_nothing_to_recover_from():
    assert recovery(daily(range(30), []), 9_900, MONTH, NOW) is None
    assert recovery([], 9_900, MONTH, NOW) is None


def test_a_failure_among_thirty_recovers_when_it_leaves_the_window():
    counts = daily([day for day in range(30) if day != 20], [20])
    assert recovery(counts, 9_900, MONTH, NOW) == NOW - 20 * DAY + MONTH


def test_a_fresh_failure_of_a_busy_asset_recovers_sooner_by_good_events():
    counts = [Count(NOW - HOUR * hour, int(hour >= 8), 1) for hour in range(720)]
    assert missed(712, 720, 9_900)
    assert recovery(counts, 9_900, MONTH, NOW) == NOW + 80 * HOUR


def test_several_failures_recover_when_enough_of_them_have_left():
    counts = daily([day for day in range(30) if day not in (5, 10, 25)], [5, 10, 25])
    assert recovery(counts, 9_500, MONTH, NOW) == NOW - 5 * DAY + MONTH


def test_an_objective_on_all_recovers_only_when_the_last_failure_left():
    assert recovery(daily([1, 2], [3, 4]), ALL, MONTH, NOW) == NOW - 3 * DAY + MONTH


@given(st.lists(st.tuples(st.integers(0, 40 * 24), st.booleans()), min_size=1, max_size=30), st.integers(5_000, ALL))
def test_recovery_is_what_waiting_hour_by_hour_finds(events, target):
    counts = [Count(NOW - HOUR * hour, int(good), 1) for hour, good in events]
    good, valid = total(counts, NOW - MONTH, NOW)
    recovered = recovery(counts, target, MONTH, NOW)
    if not missed(good, valid, target):
        assert recovered is None
        return
    waited = next(NOW + HOUR * hour for hour in range(721) if not missed(*total(counts, NOW + HOUR * hour - MONTH, NOW), target))
    grown = (
        next((NOW + MONTH * extra / valid for extra in range(400_000) if not missed(good + extra, valid + extra, target)), None)
        if target < ALL
        else None
    )
    assert abs(recovered - min(waited, grown or waited)) <= timedelta(microseconds=1)


@given(st.integers(0, 100_000), st.integers(1, ALL))
def test_exactly_the_allowed_failures_are_not_missed_and_one_more_is(valid, target):
    allowed = allowed_failures(valid, target)
    assert not missed(valid - allowed, valid, target)
    if allowed < valid:
        assert missed(valid - allowed - 1, valid, target)


def test_a_count_with_more_good_than_valid_cannot_be_built():
    with pytest.raises(ValueError, match="2 good of 1 valid"):
        Count(NOW, 2, 1)
