from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from oso_dagster.domain.probes.counters import Series, increases, judged_counts

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def series(target, *samples):
    return Series(target, tuple((BEGIN + timedelta(seconds=at), float(value)) for at, value in samples))


def minutes(sums):
    return {(end - BEGIN) // MINUTE: value for end, value in sums.items()}


def test_an_increase_belongs_to_the_minute_of_the_later_sample():
    counter = series("a", (-15, 5), (15, 7), (60, 8), (61, 11), (119, 11))
    assert minutes(increases([counter], BEGIN, BEGIN + 2 * MINUTE)) == {1: 3, 2: 3}


def test_a_counter_that_began_anew_counts_from_0():
    assert minutes(increases([series("a", (-10, 100), (10, 110), (40, 4))], BEGIN, BEGIN + MINUTE)) == {1: 14}


def test_a_counter_that_appears_beside_others_of_its_process_began_at_0_and_one_of_a_new_process_is_not_known():
    others, errors = series("a", (-10, 100), (20, 101), (50, 102)), series("a", (20, 3), (50, 4))
    assert minutes(increases([others, errors], BEGIN, BEGIN + MINUTE)) == {1: 6}
    assert minutes(increases([series("b", (20, 3), (50, 4))], BEGIN, BEGIN + MINUTE)) == {1: 1}


def test_nothing_is_known_of_a_gap_that_is_too_long_and_of_minutes_without_samples():
    counter = series("a", (0, 10), (400, 70), (430, 71))
    assert minutes(increases([counter], BEGIN, BEGIN + 8 * MINUTE)) == {8: 1}
    assert increases([], BEGIN, BEGIN + MINUTE) == {}


def test_a_minute_in_which_nothing_was_asked_is_known_to_have_none():
    assert list(judged_counts({}, {BEGIN + MINUTE: 0.0}, BEGIN, BEGIN + 3 * MINUTE)) == [(BEGIN + MINUTE, 0, 0)]


def test_more_good_than_valid_is_refused():
    with pytest.raises(ValueError, match="no part of valid's"):
        list(judged_counts({BEGIN + MINUTE: 2.0}, {BEGIN + MINUTE: 1.0}, BEGIN, BEGIN + MINUTE))


def test_neighbouring_ranges_add_up_to_the_whole_however_it_is_cut():
    dice = Random(7)
    value, samples = 0, []
    for second in range(-300, 3600, 13):
        value = 0 if dice.random() < 0.01 else value + dice.randrange(4)
        samples.append((second, value))
    counter = series("a", *samples)
    end = BEGIN + 60 * MINUTE
    whole = increases([counter], BEGIN, end)
    parts = {}
    at = BEGIN
    while at < end:
        until = min(end, at + dice.randrange(1, 9) * MINUTE)
        near = tuple(sample for sample in counter.samples if at - 5 * MINUTE <= sample[0] <= until)
        part = increases([Series("a", near)], at, until)
        assert not part.keys() & parts.keys()
        parts |= part
        at = until
    assert parts == whole
    assert len(whole) == 60
