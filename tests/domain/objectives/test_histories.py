"""Random histories, against brute force: whole numbers must be equal. RELIABILITY_HISTORIES=100000 compares that many."""

import os
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.domain.objectives.attempts import Label, count_families, count_single
from oso_dagster.domain.objectives.over_time.renamed_assets import under_present_names, validated_renames
from oso_dagster.domain.objectives.slo import Tally, tally_attempts, tally_families, verdict_of
from tests.support.histories import EPOCH, attempts_by_brute_force, families_by_brute_force, history, verdict_by_brute_force

HISTORIES = int(os.environ.get("RELIABILITY_HISTORIES", "1000"))


@pytest.mark.timeout(1800)
def test_random_histories_are_worth_what_brute_force_finds():
    dice = Random(20260301)
    for number in range(HISTORIES):
        past = history(dice, dice.randint(1, 6))
        since = EPOCH + timedelta(minutes=dice.randrange(40 * 60))
        now = since + timedelta(minutes=dice.randrange(1, 40 * 60))
        families = {tally.asset: (tally.good, tally.valid) for tally in tally_families(past, since, now)}
        assert families == families_by_brute_force(past, since, now), number
        attempts = {tally.asset: (tally.good, tally.valid) for tally in tally_attempts(past, since, now)}
        assert attempts == attempts_by_brute_force(past, since, now), number
        good, valid = (sum(column) for column in zip((0, 0), *families.values(), strict=True))
        for target in (7_500, 9_900, 10_000):
            assert verdict_of(good, valid, target) == verdict_by_brute_force(good, valid, target), number


def test_what_attempts_add_from_some_time_on_is_what_they_are_worth_then():
    dice = Random(20260302)
    for _ in range(HISTORIES // 10):
        label = dice.choice([Label.CORE, Label.SQLMESH])
        past = history(dice, dice.randint(1, 6), label=label)
        since = EPOCH + timedelta(minutes=dice.randrange(40 * 60))
        now = since + timedelta(minutes=dice.randrange(1, 40 * 60))
        sums: dict[str, tuple[int, int]] = {}
        for counted in count_families(past):
            if since < counted.at <= now:
                good, valid = sums.get(counted.attempt.asset, (0, 0))
                sums[counted.attempt.asset] = good + counted.good, valid + 1
        by_brute_force = attempts_by_brute_force if label is Label.SQLMESH else families_by_brute_force
        assert sums == by_brute_force(past, since, now)
        assert all(count_single(attempt) == next(count_families([attempt]), None) for attempt in past)


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 10_000))
def test_verdicts_are_what_brute_force_finds(good, bad, target):
    assert verdict_of(good, good + bad, target) == verdict_by_brute_force(good, good + bad, target)


def test_an_asset_that_was_renamed_keeps_its_history():
    tallies = [Tally("shop/new", 1, 2, "x"), Tally("shop/old", 3, 3), Tally("shop/other", 1, 1)]
    assert under_present_names(tallies, {"shop/old": "shop/new"}) == [Tally("shop/new", 4, 5, "x"), Tally("shop/other", 1, 1)]


def test_a_former_name_that_leads_to_another_former_name_is_refused():
    with pytest.raises(ValueError, match="shop/b"):
        validated_renames({"shop/a": "shop/b", "shop/b": "shop/c"})
