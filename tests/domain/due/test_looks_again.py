"""When a loaded partition is looked at again: as its age doubles, and once when its span of change has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from oso_dagster.domain.due.looks_again import LastLook, candidates, is_due, oldest_look, partitions_again
from oso_dagster.sources import npm

WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)
TABLE = npm.SOURCE.tables[0]
ALONE = replace(TABLE, changes_together=False)
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


def key(back: int) -> str:
    """The key of the day so many days before today."""
    return (NOW - back * DAY).date().isoformat()


def test_a_day_whose_figures_may_change_for_a_week_is_loaded_four_times() -> None:
    assert TABLE.partitions is not None
    window = TABLE.partitions.window("2026-03-01")
    assert window.end is not None
    ages, now = [30 * HOUR], window.end + 30 * HOUR
    while now < window.end + 30 * DAY:
        now += HOUR
        if is_due(window, LastLook(window.end + ages[-1]), WEEK, now):
            ages.append(now - window.end)
    assert ages == [30 * HOUR, 60 * HOUR, 120 * HOUR, 168 * HOUR]


def test_after_an_outage_the_last_look_still_happens_and_far_older_days_are_left() -> None:
    looked = {window.key: LastLook(window.end + 30 * HOUR) for window in candidates(ALONE, NOW) if window.end is not None}
    due = partitions_again(ALONE, NOW, looked, missing=False)
    assert key(15) in due
    assert key(40) not in looked


def test_a_day_that_was_loaded_after_its_span_is_not_looked_at_again() -> None:
    assert partitions_again(ALONE, NOW, {key(9): LastLook(NOW - HOUR)}, missing=True) == frozenset()


def test_one_that_was_cut_short_is_due_at_once_and_others_come_along_where_a_request_covers_them() -> None:
    looked = {key(back): LastLook(NOW - HOUR, cut_short=back == 3) for back in range(2, 12)}
    assert partitions_again(ALONE, NOW, looked, missing=False) == {key(3)}
    assert partitions_again(TABLE, NOW, looked, missing=False) == {key(back) for back in range(2, 8)}
    whole = {name: LastLook(look.at) for name, look in looked.items()}
    assert partitions_again(TABLE, NOW, whole, missing=False) == frozenset()
    assert partitions_again(TABLE, NOW, whole, missing=True) == {key(back) for back in range(2, 8)}


def test_tables_that_are_loaded_together_count_as_looked_at_when_the_last_of_them_was() -> None:
    looks = [LastLook(NOW), LastLook(NOW - DAY, cut_short=True)]
    assert oldest_look(looks) == LastLook(NOW - DAY, cut_short=True)


def test_a_table_whose_days_never_change_is_never_looked_at_again() -> None:
    assert candidates(replace(TABLE, changes_within=None, changes_together=False, resumable=False), NOW) == ()
