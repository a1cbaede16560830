from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.reliability.ledger.repeating import MOST, repeated

SUNDAY = datetime(2026, 3, 15, 1, tzinfo=UTC)  # two o'clock in Berlin, two weeks before its clocks go forward
HOUR = timedelta(hours=1)
WINDOW = Maintenance("sqlmesh", SUNDAY, SUNDAY + 2 * HOUR, "ada", "a new disk", declared_at=SUNDAY - HOUR)


def begins(rule, zone="UTC", window=WINDOW):
    return [each.start for each in repeated(window, rule, zone)]


def test_a_rule_of_a_calendar_is_written_out_into_windows_of_the_same_length():
    windows = repeated(WINDOW, "RRULE:FREQ=WEEKLY;COUNT=3")
    assert [window.start for window in windows] == [SUNDAY + number * timedelta(days=7) for number in range(3)]
    assert {window.end - window.start for window in windows} == {2 * HOUR}
    assert {(window.declared_at, window.rule) for window in windows} == {(SUNDAY - HOUR, "FREQ=WEEKLY;COUNT=3 (UTC)")}


def test_the_time_of_day_is_that_of_the_zone_also_when_its_clocks_change():
    # On the 29th there is no two o'clock there: three follows one, and it is still 1:00 UTC.
    assert [at.hour for at in begins("FREQ=WEEKLY;COUNT=4", "Europe/Berlin")] == [1, 1, 1, 0]


def test_a_date_as_its_end_means_all_of_its_day():
    assert begins("FREQ=DAILY;UNTIL=20260317")[-1] == SUNDAY + timedelta(days=2)
    assert begins("FREQ=DAILY;UNTIL=20260317T005959Z")[-1] == SUNDAY + timedelta(days=1)
    assert begins("FREQ=DAILY;UNTIL=20260317T010000Z", "Europe/Berlin")[-1] == SUNDAY + timedelta(days=2)


def test_the_last_sunday_of_each_month():
    assert [at.day for at in begins("FREQ=MONTHLY;BYDAY=-1SU;COUNT=3")] == [29, 26, 31]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("FREQ=WEEKLY", "say when it ends"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20270101", "not by both"),
        ("FREQ=HOURLY;COUNT=2", "DAILY, WEEKLY"),
        ("weekly", "begins with FREQ="),
        ("FREQ=DAILY;COUNT=1000", f"more than {MOST} windows"),
        ("FREQ=DAILY;UNTIL=20990101", f"more than {MOST} windows"),
        ("FREQ=MONTHLY;COUNT=36", "25 begin before"),
        ("FREQ=MONTHLY;UNTIL=20300101", "731 days ahead"),
        ("FREQ=DAILY;UNTIL=20200101", "no window at all"),
        ("FREQ=DAILY;UNTIL=soon", "a date such as"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0"),
        ("FREQ=DAILY;COUNT=3;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;COUNT=3;BYHOUR=4", "BYHOUR cannot be used"),
        ("FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=30", "BYMONTH cannot be used"),
        ("FREQ=YEARLY;COUNT=3;BYMONTHDAY=32", "days from 1 to 31"),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=XX", "no rule of a calendar"),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=5SU,", "no rule of a calendar"),
        ("FREQ=DAILY;COUNT=3;INTERVAL=7;BYDAY=MO", "no window at all"),
    ],
)
def test_a_rule_without_an_end_or_without_a_meaning_is_refused(rule, why):
    with pytest.raises(ValueError, match=why):
        begins(rule)


def test_windows_of_a_day_meet_when_the_clock_of_their_zone_changes():
    for month, day, hours in [(3, 28, [24, 23, 24]), (10, 24, [24, 25, 24])]:
        start = datetime(2026, month, day, tzinfo=ZoneInfo("Europe/Berlin"))
        first = Maintenance("sqlmesh", start.astimezone(UTC), (start + 24 * HOUR).astimezone(UTC), "ada", "a new disk")
        windows = repeated(first, "FREQ=DAILY;COUNT=3", "Europe/Berlin")
        assert [(window.end - window.start) / HOUR for window in windows] == hours
        assert all(before.end == after.start for before, after in pairwise(windows))
        in_utc = repeated(replace(first, end=first.start + 24 * HOUR), "FREQ=DAILY;COUNT=3")
        assert {window.end - window.start for window in in_utc} == {24 * HOUR}


def test_a_window_that_ends_just_before_the_next_one_is_cut_where_the_clock_takes_an_hour():
    start = datetime(2026, 3, 28, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    windows = repeated(
        Maintenance("sqlmesh", start, start + 23.5 * HOUR, "ada", "a new disk"), "FREQ=DAILY;COUNT=3", "Europe/Berlin"
    )
    assert [(window.end - window.start) / HOUR for window in windows] == [23.5, 23, 23.5]


def test_the_first_window_is_the_one_that_was_declared_also_across_a_change_of_the_clock():
    berlin = ZoneInfo("Europe/Berlin")
    for hours in (2, 5, 30):
        start = datetime(2026, 3, 29, 1, tzinfo=berlin).astimezone(UTC)
        window = Maintenance("sqlmesh", start, start + hours * HOUR, "ada", "a new disk")
        first, second = repeated(window, "FREQ=WEEKLY;COUNT=2", "Europe/Berlin")
        assert (first.start, first.end) == (window.start, window.end)
        assert second.end - second.start in (hours * HOUR, (hours + 1) * HOUR)


def test_windows_that_would_overlap_are_refused():
    long = Maintenance("sqlmesh", SUNDAY, SUNDAY + 25 * HOUR, "ada", "a new disk")
    with pytest.raises(ValueError, match="overlap"):
        begins("FREQ=DAILY;COUNT=2", window=long)
