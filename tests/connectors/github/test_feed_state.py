"""When a feed is asked again: the busier, the sooner, so that its window is not missed; and what fell out is a span by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.connectors.github.core.feed_state import MOST_EVENTS, FeedState, due_feeds, gap_since

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def state(asked: timedelta, count: int = 0, span: timedelta = timedelta(0)) -> FeedState:
    """A feed that was asked so long ago, and then had `count` events within `span`."""
    then = NOW - asked
    oldest = (then - span).isoformat() if count else None
    return FeedState(then.isoformat(), newest=then.isoformat() if count else None, oldest=oldest, count=count)


@pytest.mark.parametrize("per_hour", [1, 10, 50, 200, 240])
def test_a_feed_is_asked_again_before_its_window_is_full(per_hour: int) -> None:
    busy = state(timedelta(0), per_hour, timedelta(hours=1))
    assert busy.interval * per_hour <= timedelta(hours=1) * MOST_EVENTS


def test_a_quiet_feed_is_asked_once_a_day_and_a_gone_one_once_a_week() -> None:
    quiet = state(timedelta(hours=23), 3, timedelta(days=20))
    assert quiet.interval == timedelta(days=1)
    assert replace(quiet, gone=True).interval == timedelta(days=7)
    assert due_feeds(["a/a"], {"a/a": quiet.plain()}, NOW) == []
    assert [feed.name for feed in due_feeds(["a/a"], {"a/a": quiet.plain()}, NOW + timedelta(hours=1))] == ["a/a"]


def test_what_runs_over_is_asked_before_what_was_never_asked_and_that_before_nothing() -> None:
    states = {
        "busy/hours": state(timedelta(hours=6), 100, timedelta(hours=2)).plain(),
        "busy/minutes": state(timedelta(hours=6), 100, timedelta(minutes=10)).plain(),
        "quiet/fresh": state(timedelta(hours=1), 2, timedelta(days=9)).plain(),
    }
    due = due_feeds(["new/one", *states], states, NOW)
    assert [feed.name for feed in due] == ["busy/minutes", "busy/hours", "new/one"]
    assert due[0].overdue > due[1].overdue > due[2].overdue == 1.0
    assert due[2].per_day is None


def test_a_full_feed_that_does_not_reach_back_is_a_gap_since_the_newest_known_event() -> None:
    before = state(timedelta(hours=5), 40, timedelta(hours=9))
    assert gap_since(before, reached=False, full=True, now=NOW, lost_since=None) == before.newest
    assert gap_since(before, reached=True, full=True, now=NOW, lost_since=None) is None
    assert gap_since(before, reached=False, full=False, now=NOW, lost_since=None) is None


def test_a_feed_that_was_not_asked_for_longer_than_it_reaches_back_is_a_gap() -> None:
    before = state(timedelta(days=31), 4, timedelta(days=9))
    assert gap_since(before, reached=False, full=False, now=NOW, lost_since=None) == before.newest
    assert gap_since(before, reached=True, full=False, now=NOW, lost_since=None) is None


def test_what_was_known_and_is_lost_counts_as_a_gap_since_the_last_load() -> None:
    last = NOW - timedelta(days=2)
    assert gap_since(None, reached=True, full=True, now=NOW, lost_since=last) == last.isoformat()
    assert gap_since(None, reached=True, full=False, now=NOW, lost_since=last) is None
    assert gap_since(None, reached=True, full=True, now=NOW, lost_since=None) is None
