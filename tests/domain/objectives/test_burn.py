from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.domain.objectives.budget import ALL, Count
from oso_dagster.domain.objectives.burn import TIERS, Loudness, Tier, burn_over, firing, loudest, unreachable

NOW = datetime(2026, 3, 31, tzinfo=UTC)
MONTH, HOUR, MINUTE = timedelta(days=30), timedelta(hours=1), timedelta(minutes=1)
FAST = TIERS[0]


def minutes(errors, valid=100):
    """One count a minute, newest last; `errors` of each."""
    return [Count(NOW - MINUTE * (len(errors) - 1 - index), valid - bad, valid) for index, bad in enumerate(errors)]


def test_the_tiers_spend_the_published_share_of_the_budget_when_they_fire():
    assert [tier.spent(MONTH) for tier in TIERS] == [Fraction(2, 100), Fraction(5, 100), Fraction(1, 10), Fraction(1, 10)]


@pytest.mark.parametrize(
    ("tier", "target", "errors", "after"),
    [
        (FAST, 9_990, Fraction(15, 100), timedelta(minutes=5.76)),
        (FAST, 9_900, Fraction(1), timedelta(minutes=8.64)),
        (Tier(Loudness.PAGE, 36 * HOUR, HOUR, Fraction(1)), 9_990, Fraction(1), timedelta(seconds=129.6)),
    ],
)
def test_outages_are_detected_after_the_published_times(tier, target, errors, after):
    assert tier.detection(target, errors) == after


def test_an_error_rate_within_the_budget_is_never_detected():
    assert FAST.detection(9_900, Fraction(0)) is None
    assert FAST.detection(9_900, Fraction(14, 100)) is None
    assert FAST.detection(ALL, Fraction(1)) is None


def test_a_burn_of_14_45_fires_at_14_4_and_14_4_itself_does_not():
    above = [Count(NOW, 20_000 - 289, 20_000)]
    assert burn_over(above, HOUR, 9_990, NOW) == Fraction(1445, 100)
    assert [alert.tier for alert in firing(above, 9_990, NOW, [FAST])] == [FAST]
    assert firing([Count(NOW, 10_000 - 144, 10_000)], 9_990, NOW, [FAST]) == ()


def test_one_failure_in_an_hour_of_ten_requests_burns_a_hundredfold():
    assert burn_over([Count(NOW, 9, 10)], HOUR, 9_990, NOW) == 100


@given(
    st.lists(st.tuples(st.integers(0, 3 * 24 * 60 - 1), st.integers(1, 40)), max_size=40),
    st.integers(0, 3 * 24 * 60 - 1),
    st.integers(1, 40),
    st.sampled_from([7_500, 9_000, 9_900, 9_990]),
)
def test_one_failure_of_a_quiet_service_fires_nothing_whenever_it_comes_and_however_few_events_there_are(
    good, minute, beside, target
):
    counts = [Count(NOW - ago * MINUTE, number, number) for ago, number in good]
    failure = Count(NOW - minute * MINUTE, beside - 1, beside)
    assert firing([*counts, failure], target, NOW) == ()


@given(st.integers(0, 59), st.integers(0, 4), st.integers(0, 200))
def test_the_second_failure_within_the_windows_fires_if_the_burn_says_so(first, second, good):
    counts = [Count(NOW - first * MINUTE, 0, 1), Count(NOW - second * MINUTE, 0, 1), Count(NOW, good, good)]
    valid = good + 2
    in_short = 1 + (first < 5)
    fires = 144 * valid < 2 * 1000 and in_short * 1000 > 144 * (good + in_short)
    assert (FAST in [alert.tier for alert in firing(counts, 9_900, NOW)]) is fires


def test_an_outage_that_is_over_is_silent_although_the_long_window_still_burns():
    over = minutes([100] * 20 + [0] * 10)
    assert burn_over(over, HOUR, 9_900, NOW) > FAST.burn
    assert firing(over, 9_900, NOW, [FAST]) == ()


def test_the_fastest_tier_silences_the_slower_ones():
    alerts = firing(minutes([100] * 60), 9_900, NOW)
    assert [alert.tier for alert in alerts] == list(TIERS)
    assert loudest(alerts).tier is FAST
    assert loudest(()) is None


def test_tiers_that_can_never_fire_are_reported():
    assert unreachable(9_900) == ()
    assert unreachable(9_000) == TIERS[:1]
    assert unreachable(7_500) == TIERS[:2]
    assert unreachable(ALL) == TIERS


@given(st.lists(st.integers(0, 100), min_size=1, max_size=90), st.sampled_from([7_500, 9_000, 9_900, 9_990]))
def test_firing_is_what_summing_by_hand_finds(errors, target):
    counts = minutes(errors)
    expected = []
    for tier in TIERS:
        rates = []
        for window in (tier.short, tier.long):
            inside = [count for count in counts if NOW - count.at < window]
            rates.append(
                Fraction(sum(count.bad for count in inside), sum(count.valid for count in inside)) * ALL / (ALL - target)
            )
        if min(rates) > tier.burn and sum(count.bad for count in inside) > 1:
            expected.append(tier)
    assert [alert.tier for alert in firing(counts, target, NOW)] == expected
    assert not set(expected) & set(unreachable(target))


@pytest.mark.parametrize(("long", "short", "burn"), [(HOUR, HOUR, 1), (HOUR, MINUTE, 0), (HOUR, timedelta(0), 1)])
def test_a_tier_that_makes_no_sense_cannot_be_built(long, short, burn):
    with pytest.raises(ValueError, match="of a tier"):
        Tier(Loudness.PAGE, long, short, Fraction(burn))
