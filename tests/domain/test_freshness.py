from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.freshness import Freshness, FutureEvidenceError, Promise, holes, judge, judge_partitioned
from oso_dagster.domain.partitions import PartitionKind, Partitions

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PROMISE = Promise(within=DAY, first_due=NOW - 10 * DAY)
DAILY = Partitions(PartitionKind.DAILY, NOW.replace(day=1, hour=0), lag=timedelta(hours=6))


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


def test_the_newest_partition_is_expected_only_after_its_lag():
    assert judge_partitioned(DAILY, {"2026-03-08"}, NOW.replace(hour=5)) is Freshness.FRESH
    assert judge_partitioned(DAILY, {"2026-03-08"}, NOW.replace(hour=6)) is Freshness.STALE


def test_before_the_first_deadline_nothing_is_due():
    assert judge_partitioned(DAILY, (), DAILY.start) is Freshness.NOT_DUE


def test_holes_are_named_and_the_open_partition_is_none():
    there = {f"2026-03-{day:02}" for day in (1, 2, 3, 5, 6, 7, 9)}
    assert holes(DAILY, there, NOW) == ("2026-03-04", "2026-03-08")
