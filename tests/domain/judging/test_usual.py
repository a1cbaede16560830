"""Two years of a realistic feed alarm next to nobody, and a hollow one is seen on its first day.

The series: growth of 20 % a year, weekends at two thirds, ten public holidays a year at three quarters, Christmas to New Year at
0.55, noise of 5 % from day to day, one day in hundred at 0.85 for no reason; shares of events as GitHub has them, fewer pull
requests and issues on weekends, shares wandering by 8 %.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from oso_dagster.domain.catalogue.truth import Regime
from oso_dagster.domain.judging.usual import PastLoad, of_regime, unusual_mix, unusual_sums, usual_amount, usual_rows

BEGIN = date(2024, 1, 1)
SHARES = {"PushEvent": 0.59, "WatchEvent": 0.03, "IssuesEvent": 0.019, "PullRequestEvent": 0.079, "CreateEvent": 0.28}
HOLIDAYS = {(1, 1), (4, 1), (5, 1), (5, 27), (7, 4), (9, 2), (10, 1), (11, 11), (11, 28), (11, 29)}


def a_day(day: date, chance: Random, shares: dict[str, float] | None = None) -> PastLoad:
    level = 4_000_000 * 1.2 ** ((day - BEGIN).days / 365) * chance.lognormvariate(0, 0.05)
    weekend = day.weekday() >= 5
    level *= 0.66 if weekend else 1.0
    if (day.month, day.day) >= (12, 24):
        level *= 0.55 if not weekend else 0.8
    elif (day.month, day.day) in HOLIDAYS and not weekend:
        level *= 0.75
    if chance.random() < 0.01:
        level *= 0.85
    weights = {name: share * chance.lognormvariate(0, 0.08) for name, share in (shares or SHARES).items()}
    if weekend:
        weights |= {name: weights[name] * 0.7 for name in ("PullRequestEvent", "IssuesEvent") if name in weights}
    counts = {name: int(level * weight / sum(weights.values())) for name, weight in weights.items()}
    return PastLoad(day, sum(counts.values()), {"stars": float(counts.get("WatchEvent", 0))}, {"type": counts})


def two_years(seed: int) -> list[PastLoad]:
    chance = Random(seed)
    return [a_day(BEGIN + timedelta(n), chance) for n in range(731)]


@pytest.mark.parametrize("seed", range(3))
def test_two_years_of_a_realistic_feed_alarm_never(seed: int) -> None:
    days = two_years(seed)
    alarms = dict.fromkeys(("rows", "sums", "mix"), 0)
    for n in range(5, len(days)):
        now, past = days[n], days[max(0, n - 400) : n]
        low, high = usual_rows(past, now.day) or (0, 10**12)
        alarms["rows"] += not low <= now.rows <= high
        alarms["sums"] += bool(unusual_sums(now, past))
        alarms["mix"] += bool(unusual_mix(now, past))
    assert alarms == {"rows": 0, "sums": 0, "mix": 0}, "docs/upstreams.md says so"


def hollow(day: date, seed: int = 9) -> PastLoad:
    """August 2026: pushes 95 %, stars 0.2, issues 0.3, pull requests 1.0."""
    shares = {"PushEvent": 0.95, "WatchEvent": 0.002, "IssuesEvent": 0.003, "PullRequestEvent": 0.01, "CreateEvent": 0.035}
    return a_day(day, Random(seed), shares)


def test_the_hollow_feed_of_2026_is_seen_though_it_has_as_many_rows_as_ever() -> None:
    past = two_years(1)[-400:]
    now = hollow(past[-1].day + timedelta(1))
    low, high = usual_rows(past, now.day) or (0, 0)
    assert low <= now.rows <= high
    problems = " / ".join(unusual_mix(now, past))
    for category in ("WatchEvent", "IssuesEvent", "PullRequestEvent"):
        assert f"type {category} is 0." in problems or f"type {category} is 1." in problems
    assert "the sum of stars" in " / ".join(unusual_sums(now, past))


def test_months_of_a_hollow_feed_do_not_teach_that_hollow_is_usual() -> None:
    past = two_years(1)[-400:]
    begin = past[-1].day
    for n in range(1, 121):
        now = hollow(begin + timedelta(n), seed=n)
        assert unusual_mix(now, past[-400:]), f"silent after {n} days"
        past.append(now)


def test_a_weekday_with_a_third_of_its_rows_is_seen() -> None:
    past = two_years(1)[-400:]
    wednesday = past[-1].day + timedelta(7 - (past[-1].day.weekday() - 2) % 7)
    low, _ = usual_rows(past, wednesday) or (0, 0)
    assert a_day(wednesday, Random(9)).rows / 3 < low


def test_a_category_that_is_missing_is_seen_and_a_large_new_one_too() -> None:
    past = [PastLoad(BEGIN + timedelta(n), 1000, mix={"chain": {"base": 600, "op": 400}}) for n in range(10)]
    day = BEGIN + timedelta(10)
    assert unusual_mix(PastLoad(day, 600, mix={"chain": {"base": 600}}), past) == [
        "chain op is 0.00% of the rows; usual are 14.04% to 100.00%"
    ]
    (problem,) = unusual_mix(PastLoad(day, 1100, mix={"chain": {"base": 600, "op": 400, "ink": 100}}), past)
    assert problem == "chain ink is 9.09% of the rows, and never was there before"


def test_a_few_rows_are_a_sample_and_no_alarm() -> None:
    past = [PastLoad(BEGIN + timedelta(n), 20, mix={"kind": {"a": 18, "b": 2}}) for n in range(10)]
    assert unusual_mix(PastLoad(BEGIN + timedelta(10), 20, mix={"kind": {"a": 15, "b": 5}}), past) == []


def test_nothing_is_usual_before_five_loads_and_an_odd_one_changes_little() -> None:
    days = [(BEGIN + timedelta(n), 100.0) for n in range(28)]
    assert usual_amount(days[:4], BEGIN + timedelta(4)) is None
    band = usual_amount([*days, (BEGIN + timedelta(28), 5000.0), (BEGIN + timedelta(29), 0.0)], BEGIN + timedelta(30))
    assert band is not None
    assert (round(band.low), round(band.high)) == (80, 125)


def test_a_new_regime_begins_a_new_past():
    mark = Regime("new_feed", date(2026, 3, 1), "half of the rows", "its issue 7")
    past = [PastLoad(date(2026, 2, 1) + timedelta(days=number), 100 if number < 28 else 50) for number in range(40)]
    day = date(2026, 3, 13)
    assert usual_rows(of_regime(past, [mark], day), day) == (27, 95)
    assert usual_rows(of_regime(past, [], day), day)[1] > 100
    assert of_regime(past, [mark], date(2026, 2, 20)) == past
