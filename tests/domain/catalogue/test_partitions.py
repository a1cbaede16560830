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
