"""Which partitions exist, which are due, and what they cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions

START = datetime(2026, 1, 7, tzinfo=UTC)  # a Wednesday


def test_a_day_is_due_once_its_lag_has_passed_and_not_before() -> None:
    daily = Partitions(PartitionKind.DAILY, START, lag=timedelta(hours=6))
    assert daily.due(datetime(2026, 1, 8, 5, 59, tzinfo=UTC)) == ()
    assert [window.key for window in daily.due(datetime(2026, 1, 8, 6, tzinfo=UTC))] == ["2026-01-07"]
    assert [window.key for window in daily.due(datetime(2026, 1, 10, tzinfo=UTC))] == ["2026-01-07", "2026-01-08"]


def test_an_hour_covers_exactly_an_hour() -> None:
    window = Partitions(PartitionKind.HOURLY, START).window("2026-01-07-13:00")
    assert (window.start, window.end) == (START.replace(hour=13), START.replace(hour=14))


def test_a_week_begins_on_the_weekday_of_its_start() -> None:
    weekly = Partitions(PartitionKind.WEEKLY, START)
    assert weekly.day_offset == 3
    assert weekly.window("2026-01-14").end == datetime(2026, 1, 21, tzinfo=UTC)
    with pytest.raises(ValueError, match="no weekly partition"):
        weekly.window("2026-01-15")


def test_nothing_is_due_before_the_start() -> None:
    assert Partitions(PartitionKind.DAILY, START).due(START - timedelta(days=3)) == ()


def test_static_partitions_are_always_due() -> None:
    static = Partitions(PartitionKind.STATIC, keys=("a", "b"))
    assert [window.key for window in static.due(START)] == ["a", "b"]
    with pytest.raises(ValueError, match="no partition 'c'"):
        static.window("c")


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": PartitionKind.DAILY},
        {"kind": PartitionKind.DAILY, "start": START.replace(hour=1)},
        {"kind": PartitionKind.DAILY, "start": START.replace(tzinfo=None)},
        {"kind": PartitionKind.DAILY, "start": START, "lag": timedelta(-1)},
        {"kind": PartitionKind.DAILY, "start": START, "keys": ("a",)},
        {"kind": PartitionKind.STATIC},
        {"kind": PartitionKind.STATIC, "keys": ("a", "a")},
        {"kind": PartitionKind.STATIC, "keys": ("a",), "start": START},
    ],
)
def test_partitions_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="partitions"):
        Partitions(**arguments)
