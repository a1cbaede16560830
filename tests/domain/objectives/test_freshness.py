from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.objectives.freshness import (
    Freshness,
    FutureEvidenceError,
    Promise,
    first_fresh,
    fresh_time,
    fresh_time_partitioned,
    holes,
    judge,
    judge_partitioned,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PROMISE = Promise(within=DAY, first_due=NOW - 10 * DAY)
DAILY = Partitions(PartitionKind.DAILY, NOW.replace(day=1, hour=0), due_after=timedelta(hours=6))


def test_at_exactly_the_promised_age_it_is_still_fresh():
    assert judge(PROMISE, NOW - DAY, NOW) is Freshness.FRESH


def test_a_microsecond_older_is_stale():
    assert judge(PROMISE, NOW - DAY - timedelta(microseconds=1), NOW) is Freshness.STALE


def test_evidence_from_the_future_is_an_error():
    with pytest.raises(FutureEvidenceError, match="after"):
        judge(PROMISE, NOW + timedelta(microseconds=1), NOW)


def test_what_never_arrived_is_stale_from_the_moment_it_is_first_due():
    promise = Promise(DAY, first_due=NOW)
    assert judge(promise, None, NOW - timedelta(microseconds=1)) is Freshness.NOT_DUE
    assert judge(promise, None, NOW) is Freshness.STALE


def test_a_backfill_of_an_old_day_does_not_freshen_the_asset():
    assert judge_partitioned(DAILY, {"2026-03-01", "2026-03-08"}, NOW) is Freshness.STALE
    assert judge_partitioned(DAILY, {"2026-03-09"}, NOW) is Freshness.FRESH


def test_the_newest_partition_is_expected_only_after_its_deadline():
    assert judge_partitioned(DAILY, {"2026-03-08"}, NOW.replace(hour=5)) is Freshness.FRESH
    assert judge_partitioned(DAILY, {"2026-03-08"}, NOW.replace(hour=6)) is Freshness.STALE


def test_before_the_first_deadline_nothing_is_due():
    assert judge_partitioned(DAILY, (), DAILY.start) is Freshness.NOT_DUE


def test_holes_are_named_and_the_open_partition_is_none():
    there = {f"2026-03-{day:02}" for day in (1, 2, 3, 5, 6, 7, 9)}
    assert holes(DAILY, there, NOW) == ("2026-03-04", "2026-03-08")


def at(hours):
    return NOW - timedelta(hours=hours)


def test_fresh_time_is_integrated_exactly_and_overlaps_count_once():
    promise = Promise(timedelta(hours=2), at(20))
    fresh, had_to = fresh_time(promise, [at(12), at(11), at(3)], at(10), NOW)
    assert (fresh, had_to) == (timedelta(hours=1 + 2), timedelta(hours=10))


def test_before_it_was_first_due_a_table_had_not_to_be_fresh():
    promise = Promise(timedelta(hours=2), at(4))
    assert fresh_time(promise, [], at(10), NOW) == (timedelta(0), timedelta(hours=4))
    assert fresh_time(promise, [at(6)], at(10), NOW) == (timedelta(hours=2), timedelta(hours=6))
    assert fresh_time(Promise(timedelta(hours=2), NOW + timedelta(1)), [], at(10), NOW) == (timedelta(0), timedelta(0))


@given(st.lists(st.integers(0, 200), max_size=12), st.integers(1, 30), st.integers(1, 150))
def test_fresh_time_is_what_looking_every_half_hour_finds(ages, within, span):
    promise = Promise(timedelta(hours=within), at(span))
    evidence = [at(age) for age in ages]
    fresh, _ = fresh_time(promise, evidence, at(span), NOW)
    looks = [at(span) + timedelta(minutes=30 + 60 * hour) for hour in range(span)]
    seen = sum(any(arrival <= look <= arrival + promise.within for arrival in evidence) for look in looks)
    assert fresh == timedelta(hours=seen)


def test_before_its_first_deadline_a_partitioned_table_had_not_to_be_fresh():
    for now in (DAILY.start - DAY, DAILY.start, DAILY.start + DAY):
        assert fresh_time_partitioned(DAILY, {}, now - 30 * DAY, now) == (timedelta(0), timedelta(0))


def test_a_table_in_static_partitions_is_fresh_when_all_of_them_are_there():
    static = Partitions(PartitionKind.STATIC, keys=("a", "b"))
    assert judge_partitioned(static, {"a", "b"}, NOW) is Freshness.FRESH
    assert judge_partitioned(static, {"b"}, NOW) is Freshness.STALE


def test_a_partitioned_table_is_fresh_while_the_newest_due_partition_is_there():
    days = Partitions(PartitionKind.DAILY, datetime(2026, 3, 1, tzinfo=UTC), due_after=timedelta(hours=6))
    now = datetime(2026, 3, 4, 6, tzinfo=UTC)
    landed = {"2026-03-01": datetime(2026, 3, 2, 3, tzinfo=UTC), "2026-03-02": datetime(2026, 3, 3, 18, tzinfo=UTC)}
    fresh, had_to = fresh_time_partitioned(days, landed, datetime(2026, 3, 1, tzinfo=UTC), now)
    assert (fresh, had_to) == (timedelta(hours=24 + 12), timedelta(hours=48))


def test_a_first_load_from_the_oldest_partition_to_the_newest_makes_it_fresh_at_its_end():
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    began, ended = now - timedelta(hours=2), now - timedelta(hours=1)
    landed = {"2026-03-01": began, "2026-03-02": began, "2026-03-03": ended}
    assert first_fresh(DAILY, landed, now) == ended
    assert fresh_time_partitioned(DAILY, landed, ended, now) == (timedelta(hours=1), timedelta(hours=1))
    assert first_fresh(DAILY, {"2026-03-01": began, "2026-03-02": began}, now) is None, "an old partition freshens nothing"
    earlier = landed | {"2026-03-02": datetime(2026, 3, 3, 3, tzinfo=UTC)}
    assert first_fresh(DAILY, earlier, now) == datetime(2026, 3, 3, 6, tzinfo=UTC), "from when it was due, where it came before"
