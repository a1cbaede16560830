"""What a sample of repositories is worth: intervals that hold the true share as often as they say, by simulation from a seed."""

from datetime import UTC, datetime
from math import isclose
from random import Random

import pytest

from oso_dagster.domain.coverage.clusters import Z, independent_draws, student
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.objectives.slo import Verdict

ITEMS = 120


def compared(held, true, *, by_item=True):
    kept, whole = sum(held.values()), sum(true.values())
    draws = independent_draws(held, true) if by_item else None
    return Comparison("github/events", "WatchEvent", datetime(2026, 8, 2, tzinfo=UTC), kept, whole, whole, 9_500, sampled=True,
                      items=len(true), draws=draws)  # fmt: skip


def sample(rng, lost, *, together):
    """A few busy repositories and many quiet ones; a share of events is `lost`: of whole repositories, or of all alike."""
    true = {str(item): 1 + int(rng.paretovariate(1.3)) for item in range(ITEMS)}
    true = {item: min(count, 400) for item, count in true.items()}
    if together:
        return {item: 0 if rng.random() < lost else count for item, count in true.items()}, true
    return {item: sum(rng.random() >= lost for _ in range(count)) for item, count in true.items()}, true


def holds(lost, *, together, by_item, rounds=400):
    """How often the interval holds the true share."""
    rng, inside = Random(5), 0
    for _ in range(rounds):
        low, high = compared(*sample(rng, lost, together=together), by_item=by_item).bounds
        inside += low <= 1 - lost <= high
    return inside / rounds


def test_events_lost_by_whole_repositories_leave_the_interval_of_independent_draws_far_too_often():
    assert holds(0.4, together=True, by_item=False) < 0.7
    assert holds(0.4, together=True, by_item=True) > 0.9
    assert holds(0.1, together=True, by_item=True) > 0.85


def test_events_that_are_lost_one_by_one_are_worth_about_as_many_draws_as_there_are():
    assert holds(0.1, together=False, by_item=True) > 0.93
    held, true = sample(Random(9), 0.1, together=False)
    assert independent_draws(held, true) > 0.5 * sum(true.values())


def test_the_variance_is_that_of_the_jackknife_of_a_ratio():
    """Against its definition: the share is computed anew without each repository."""
    held, true = sample(Random(3), 0.3, together=True)
    share = sum(held.values()) / sum(true.values())
    without = [(sum(held.values()) - held[i]) / (sum(true.values()) - true[i]) for i in true]
    jackknife = (ITEMS - 1) / ITEMS * sum((value - share) ** 2 for value in without)
    draws = independent_draws(held, true) * (student(ITEMS - 1) / Z) ** 2
    assert isclose(share * (1 - share) / draws, jackknife)


def test_where_all_or_nothing_is_held_a_repository_is_one_draw():
    true = {"a": 500, "b": 300, "c": 0}
    assert independent_draws({}, true) == independent_draws(true, true) == 2
    assert independent_draws({}, {}) == 0
    assert independent_draws({"a": 3}, {"a": 5}) == 1


def test_a_busy_repository_that_is_lost_alone_is_no_proof_of_a_broken_promise_and_a_share_of_all_is():
    true = {str(item): 10 for item in range(99)} | {"busy": 400}
    alone = compared(true | {"busy": 0}, true)
    assert alone.verdict is Verdict.COMPLIANT
    assert compared(true | {"busy": 0}, true, by_item=False).verdict is Verdict.BREACHED
    assert compared({item: count * 7 // 10 for item, count in true.items()}, true).verdict is Verdict.BREACHED


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.7062), (3, 3.1824), (10, 2.2281), (30, 2.0423), (1000, 1.9623)])
def test_the_quantile_of_student_is_that_of_the_tables(degrees, quantile):
    assert isclose(student(degrees), quantile, rel_tol=0.01)
