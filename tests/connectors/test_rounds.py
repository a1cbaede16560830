"""Rounds under a limit: every name has its turn, whatever the limit and however often a round is cut short."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oso_dagster.connectors.rounds import Round
from oso_dagster.domain.catalogue.loading import LoadRecord

NAMES = "abcdefgh"


def record(facts: dict[str, Any]) -> LoadRecord:
    return LoadRecord("1", "s", "t", None, "v", "f", {"t": 0}, datetime(2026, 1, 1, tzinfo=UTC), facts)


def walk(limits: list[tuple[str, int]]) -> list[tuple[str, tuple[str, ...], bool]]:
    """Runs of a round each, with what each one did before its limit, and whether it was cut short."""
    previous, done = None, []
    for label, limit in limits:
        facts: dict[str, Any] = {}
        asked = Round.of(label, NAMES, previous)
        if len(asked.names) > limit:
            asked.cut(facts, "enough", limit)
        done.append((label, asked.names[:limit], bool(facts)))
        previous = record(facts)
    return done


def test_a_round_that_is_cut_short_goes_on_behind_its_last_name() -> None:
    runs = walk([("1", 3), ("1", 3), ("1", 3), ("2", 9)])
    assert [names for _, names, _ in runs] == [tuple("abc"), tuple("def"), tuple("gh"), tuple(NAMES)]


def test_a_new_round_begins_where_the_old_one_was_cut_and_comes_to_the_others_too() -> None:
    runs = walk([("1", 3), ("2", 2), ("2", 5), ("2", 5)])
    assert [names for _, names, _ in runs] == [tuple("abc"), tuple("de"), tuple("fghab"), tuple("c")]


@given(st.lists(st.tuples(st.sampled_from("1234"), st.integers(1, 9)), max_size=12))
def test_a_round_that_ends_whole_has_asked_for_every_name(limits: list[tuple[str, int]]) -> None:
    runs = walk(sorted(limits, key=lambda run: run[0]))
    for place, (label, _, short) in enumerate(runs):
        if not short:
            of_round = [names for round_, names, _ in runs[: place + 1] if round_ == label]
            assert set().union(*map(set, of_round)) == set(NAMES)
