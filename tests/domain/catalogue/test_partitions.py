"""Which partitions exist, which are due, and what they cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions

START = datetime(2026, 1, 7, tzinfo=UTC)  # a Wednesday


DUE_AFTER = timedelta(hours=6)


def test_a_day_is_due_at_its_deadline_and_not_before() -> None:
    daily = Partitions(PartitionKind.DAILY, START, due_after=DUE_AFTER)
    assert daily.due(datetime(2026, 1, 8, 5, 59, tzinfo=UTC)) == ()
    assert [window.key for window in daily.due(datetime(2026, 1, 8, 6, tzinfo=UTC))] == ["2026-01-07"]
    assert [window.key for window in daily.due(datetime(2026, 1, 10, tzinfo=UTC))] == ["2026-01-07", "2026-01-08"]


def test_upstream_has_a_day_before_it_is_promised() -> None:
    daily = Partitions(PartitionKind.DAILY, START, available_after=timedelta(hours=3), due_after=DUE_AFTER)
    four = datetime(2026, 1, 8, 4, tzinfo=UTC)
    assert [window.key for window in daily.available(four)] == [window.key for window in daily.recent(four)] == ["2026-01-07"]
    assert daily.due(four) == ()
    assert daily.deadline(daily.window("2026-01-07")) == datetime(2026, 1, 8, 6, tzinfo=UTC)


def test_an_hour_covers_exactly_an_hour() -> None:
    window = Partitions(PartitionKind.HOURLY, START, due_after=DUE_AFTER).window("2026-01-07-13:00")
    assert (window.start, window.end) == (START.replace(hour=13), START.replace(hour=14))


def test_a_week_begins_on_the_weekday_of_its_start() -> None:
    weekly = Partitions(PartitionKind.WEEKLY, START, due_after=DUE_AFTER)
    assert weekly.day_offset == 3
    assert weekly.window("2026-01-14").end == datetime(2026, 1, 21, tzinfo=UTC)
    with pytest.raises(ValueError, match="no weekly partition"):
        weekly.window("2026-01-15")


def test_a_month_is_as_long_as_it_is_and_keys_are_its_first_day() -> None:
    monthly = Partitions(PartitionKind.MONTHLY, datetime(2024, 1, 1, tzinfo=UTC), due_after=DUE_AFTER)
    assert [(window.key, (window.end - window.start).days) for window in monthly.due(datetime(2024, 4, 1, 6, tzinfo=UTC))] == [
        ("2024-01-01", 31),
        ("2024-02-01", 29),
        ("2024-03-01", 31),
    ]
    assert monthly.due(datetime(2024, 2, 1, 5, 59, tzinfo=UTC)) == ()
    assert monthly.window("2024-12-01").end == datetime(2025, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no monthly partition"):
        monthly.window("2024-02-02")
    assert monthly.since(datetime(2024, 2, 10, tzinfo=UTC)).start == datetime(2024, 3, 1, tzinfo=UTC)
    assert monthly.since(datetime(2024, 2, 1, tzinfo=UTC)).start == datetime(2024, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="boundary"):
        Partitions(PartitionKind.MONTHLY, datetime(2024, 1, 2, tzinfo=UTC), due_after=DUE_AFTER)


def test_dagster_counts_the_same_months() -> None:
    from oso_dagster.orchestration.ingest.check_events import partitions_definition

    monthly = Partitions(PartitionKind.MONTHLY, datetime(2024, 1, 1, tzinfo=UTC), due_after=DUE_AFTER)
    now = datetime(2025, 3, 5, tzinfo=UTC)
    keys = partitions_definition(monthly).get_partition_keys(current_time=now)
    assert keys == [window.key for window in monthly.available(now)]


def test_nothing_is_due_before_the_start() -> None:
    assert Partitions(PartitionKind.DAILY, START, due_after=DUE_AFTER).due(START - timedelta(days=3)) == ()


def test_static_partitions_are_always_due() -> None:
    static = Partitions(PartitionKind.STATIC, keys=("a", "b"))
    assert [window.key for window in static.due(START)] == ["a", "b"]
    with pytest.raises(ValueError, match="no partition 'c'"):
        static.window("c")


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": PartitionKind.DAILY, "due_after": DUE_AFTER},
        {"kind": PartitionKind.DAILY, "start": START},
        {"kind": PartitionKind.DAILY, "start": START.replace(hour=1), "due_after": DUE_AFTER},
        {"kind": PartitionKind.DAILY, "start": START.replace(tzinfo=None), "due_after": DUE_AFTER},
        {"kind": PartitionKind.DAILY, "start": START, "due_after": timedelta(-1)},
        {"kind": PartitionKind.DAILY, "start": START, "available_after": 2 * DUE_AFTER, "due_after": DUE_AFTER},
        {"kind": PartitionKind.DAILY, "start": START, "available_after": timedelta(-1), "due_after": DUE_AFTER},
        {"kind": PartitionKind.DAILY, "start": START, "due_after": DUE_AFTER, "keys": ("a",)},
        {"kind": PartitionKind.STATIC, "keys": ("a",), "due_after": DUE_AFTER},
        {"kind": PartitionKind.STATIC},
        {"kind": PartitionKind.STATIC, "keys": ("a", "a")},
        {"kind": PartitionKind.STATIC, "keys": ("a",), "start": START},
    ],
)
def test_partitions_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="partitions"):
        Partitions(**arguments)


def test_a_key_of_another_form_is_refused_with_an_example() -> None:
    monthly = Partitions(PartitionKind.MONTHLY, datetime(2026, 1, 1, tzinfo=UTC), due_after=DUE_AFTER)
    with pytest.raises(ValueError, match=r"'2026-08' is no key of a monthly partition, such as 2026-01-01"):
        monthly.window("2026-08")
