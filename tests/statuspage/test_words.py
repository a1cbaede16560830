"""How times and lengths are said."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta, timezone

import pytest

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.statuspage import words
from oso_dagster.statuspage.words import FRESHNESS, LABELS, VERDICTS, age, instant, span, stamp

NOW = datetime(2025, 11, 21, 9, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (timedelta(seconds=-1), "in the future"),
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=119, seconds=59), "119 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=47, minutes=59), "47 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=1500), "1,500 days ago"),
    ],
)
def test_an_age_is_cut_off_to_one_unit(elapsed: timedelta, text: str) -> None:
    assert age(NOW - elapsed, NOW) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=7), "7 days"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
    ],
)
def test_a_promise_is_said_in_the_largest_unit_that_tells_it_exactly(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_every_moment_is_said_in_utc_wherever_it_came_from() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-8)))
    assert stamp(elsewhere) == "21 Nov 2025, 09:05 UTC"
    assert instant(elsewhere) == "2025-11-21T09:05:07Z"


def test_the_examples_in_the_code_are_true() -> None:
    result = doctest.testmod(words)
    assert result.attempted > 0
    assert result.failed == 0


def test_there_is_a_word_for_every_state() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert set(FRESHNESS) == set(Freshness)
    assert set(LABELS) == set(Label)
