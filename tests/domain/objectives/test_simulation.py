from datetime import timedelta
from fractions import Fraction

import pytest

from oso_dagster.domain.objectives.burn import TIERS, Loudness, Tier
from oso_dagster.domain.objectives.simulation import SHAPES, Shape, backtest

TOTAL, FIFTEEN, FLAPPING, DRIP, SINGLE = SHAPES
MINUTE = timedelta(minutes=1)


def test_a_total_outage_at_99_percent_pages_in_the_ninth_minute():
    outcome = backtest(TOTAL, 9_900)
    assert (outcome.detected, outcome.tier, outcome.false_alarms) == (9 * MINUTE, TIERS[0], 0)  # after 8.64 minutes
    assert outcome.spent == Fraction(60, 432)


def test_fifteen_percent_at_three_nines_pages_in_the_sixth_minute():
    assert backtest(FIFTEEN, 9_990).detected == 6 * MINUTE  # after 5.76 minutes


def test_no_fast_tier_fires_at_75_percent_however_total_the_outage():
    assert backtest(TOTAL, 7_500).detected is None
    long = backtest(Shape("total, 3 d", 3 * 24 * 60, TOTAL.failing), 7_500)
    assert long.detected == 6 * 60 * MINUTE * 3 + MINUTE  # the tier at 3 needs three quarters of its day
    assert long.tier is TIERS[2]


def test_a_slow_drip_is_noticed_by_the_slowest_tier_only():
    outcome = backtest(DRIP, 9_900)
    assert outcome.tier is TIERS[3]
    assert outcome.detected == 36 * 60 * MINUTE + MINUTE


@pytest.mark.parametrize("target", [7_500, 9_000, 9_900])
def test_a_single_failure_in_the_middle_of_traffic_alarms_nobody(target):
    assert backtest(SINGLE, target).detected is None


def test_what_spends_little_and_fires_all_the_same_is_a_false_alarm():
    nervous = Tier(Loudness.PAGE, timedelta(hours=1), timedelta(minutes=5), Fraction(1))
    pair = Shape("two failures", 1, lambda _minute, _volume, _target: 2)
    outcome = backtest(pair, 9_990, volume=4, tiers=[nervous])
    assert (outcome.detected, outcome.false_alarms) == (MINUTE, 1)
    assert backtest(pair, 9_990, volume=4).detected is None


def test_one_failure_fires_nothing_however_few_the_events_and_nervous_the_tier():
    nervous = Tier(Loudness.PAGE, timedelta(hours=1), timedelta(minutes=5), Fraction(1))
    assert backtest(SINGLE, 9_990, volume=2, tiers=[nervous]).detected is None


@pytest.mark.parametrize("shape", [TOTAL, FIFTEEN, FLAPPING])
def test_an_alert_is_quiet_again_when_its_short_window_is(shape):
    assert timedelta(0) < backtest(shape, 9_900).reset <= timedelta(hours=6)
