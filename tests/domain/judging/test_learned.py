"""What a table has learned of its past, and how often that would have warned: on realistic days, and on an odd one."""

from __future__ import annotations

from datetime import date, timedelta

from oso_dagster.domain.catalogue.truth import Regime
from oso_dagster.domain.judging.learned import JUDGED_AGAIN, learned
from oso_dagster.domain.judging.usual import PastLoad, usual_rows, weekly_rhythm
from tests.domain.judging.test_usual import two_years

BEGIN = date(2026, 1, 1)


def test_the_bands_are_those_that_the_next_load_is_judged_by_and_the_order_of_the_past_is_no_matter() -> None:
    past = two_years(2)[-400:]
    day = past[-1].day + timedelta(1)
    known = learned(past[::-1], (), day)
    assert known.rows == usual_rows(past, day)
    assert known.loads == 400
    assert known.mix["type"]["PushEvent"].holds(0.6)
    assert not known.mix["type"]["WatchEvent"].holds(0.002)
    assert known.judged == JUDGED_AGAIN


def test_ninety_realistic_days_warn_at_most_once_of_each_kind() -> None:
    for seed in range(3):
        past = two_years(seed)[-400:]
        assert max(learned(past, (), past[-1].day).alarms.values()) <= 1


def test_an_odd_day_is_counted_as_a_warning() -> None:
    past = [PastLoad(BEGIN + timedelta(n), 100, {"amount": 10.0}) for n in range(60)]
    odd = [*past[:50], PastLoad(past[50].day, 500, {"amount": 900.0}), *past[51:]]
    assert learned(past, (), date(2026, 3, 2)).alarms == {"rows": 0, "sums": 0, "mix": 0}
    assert learned(odd, (), date(2026, 3, 2)).alarms == {"rows": 1, "sums": 1, "mix": 0}


def test_a_rhythm_is_known_after_three_weeks_and_only_where_there_is_one() -> None:
    days = [(BEGIN + timedelta(n), 60.0 if (BEGIN + timedelta(n)).weekday() > 4 else 100.0) for n in range(28)]
    rhythm = weekly_rhythm(days, BEGIN + timedelta(28))
    assert rhythm is not None
    assert [round(share, 2) for share in rhythm.values()] == [1, 1, 1, 1, 1, 0.6, 0.6]
    assert weekly_rhythm(days[:14], BEGIN + timedelta(14)) is None
    assert weekly_rhythm([(day, 100.0) for day, _ in days], BEGIN + timedelta(28)) is None


def test_a_past_of_another_regime_teaches_nothing() -> None:
    past = [PastLoad(BEGIN + timedelta(n), 100) for n in range(40)]
    regime = Regime("new_feed", BEGIN + timedelta(38), "half of the rows", "its issue 7")
    assert learned(past, [regime], BEGIN + timedelta(41)).rows is None
    assert learned([], (), BEGIN).loads == 0
