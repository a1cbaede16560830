"""A cron comes when Dagster's own schedules say that it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from oso_dagster.domain.catalogue.source import Schedule
from oso_dagster.domain.cron import ticks

SINCE = datetime(2026, 2, 1, 0, 30, tzinfo=UTC)


def by_dagster(cron: str, zone: str, since: datetime, count: int) -> list[datetime]:
    times = schedule_execution_time_iterator(since.timestamp(), cron, zone)
    return [tick.astimezone(UTC) for tick in islice(times, count)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize(
    "cron",
    [
        "0 4 * * *",
        "20 4 * * 1",
        "30 5 * * 0",
        "30 5 * * 7",
        "15 6 * * 1-5",
        "5 0,12 1 * *",
        "0 9 31 * *",
        "0 9 13 * 5",
        "10 8-18/4 * * *",
        "7 9 */7 * *",
        "0 9 1 1,7 *",
        "*/20 7 * * 2,4",
        "0 9 29 2 *",
    ],
)
def test_ticks_are_those_of_dagster(cron: str, zone: str) -> None:
    count = 2 if cron.endswith("2 *") else 40
    since = datetime(2027, 3, 1, tzinfo=UTC) if cron.endswith("2 *") else SINCE
    mine = list(islice(ticks(cron, zone, since), count))
    assert mine == by_dagster(cron, zone, since, len(mine))
    assert len(mine) >= 1


def test_an_hour_that_a_zone_skips_moves_a_tick_in_it_by_an_hour_at_most() -> None:
    since = datetime(2026, 3, 27, tzinfo=UTC)
    mine, theirs = (
        list(islice(ticks("30 2 * * *", "Europe/Vienna", since), 5)),
        by_dagster("30 2 * * *", "Europe/Vienna", since, 5),
    )
    assert all(abs(tick - other) <= timedelta(hours=1) for tick, other in zip(mine, theirs, strict=True))


def test_the_instant_of_a_tick_is_itself_the_next_tick() -> None:
    at = datetime(2026, 5, 4, 4, tzinfo=UTC)
    assert next(ticks("0 4 * * *", "UTC", at)) == at
    assert next(ticks("0 4 * * *", "UTC", at + timedelta(seconds=1))) == at + timedelta(days=1)


@pytest.mark.parametrize(
    "cron", ["60 4 * * *", "0 24 * * *", "0 4 0 * *", "0 4 * 13 *", "0 4 * * 8", "0 9-7 * * *", "*/0 * * * *", "1- * * * *"]
)
def test_a_cron_that_cannot_be_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        Schedule(cron)


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone is called Mars/Olympus"):
        Schedule("0 4 * * *", "Mars/Olympus")
