"""The history of one objective's verdicts, as the status page asks the store for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store

NOW = datetime(2025, 11, 21, tzinfo=UTC)
GOOD, BAD, NONE = Verdict.COMPLIANT, Verdict.BREACHED, Verdict.NO_DATA


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "live") as opened:
        yield opened


def record(store: Store, verdicts: dict[int, Verdict], objective: str = "o") -> None:
    """Verdicts by how many days ago they were given."""
    month = timedelta(days=30)
    store.results.record_verdicts(
        VerdictRow("s", objective, verdict, 1, 2, 9_900, month, "", "", (), NOW - timedelta(days=ago))
        for ago, verdict in verdicts.items()
    )


def judged(store: Store, days: int) -> list[tuple[int, Verdict]]:
    return [((NOW - row.at).days, row.verdict) for row in store.results.past_verdicts("s", "o", NOW - timedelta(days=days))]


def test_it_gives_what_is_asked_for_oldest_first_and_nothing_of_others(store: Store) -> None:
    record(store, {1: GOOD, 5: BAD, 3: GOOD, 9: GOOD})
    record(store, {2: BAD}, "other")
    assert judged(store, 5) == [(5, BAD), (3, GOOD), (1, GOOD)]


def test_a_breach_that_stood_already_is_known_from_when_it_began(store: Store) -> None:
    record(store, {30: BAD, 20: GOOD, 15: NONE, 12: BAD, 11: NONE, 10: BAD, 1: GOOD})
    assert judged(store, 5) == [(12, BAD), (1, GOOD)]


def test_a_breach_that_was_over_before_is_not_dug_up(store: Store) -> None:
    record(store, {30: BAD, 20: GOOD, 10: NONE, 1: BAD})
    assert judged(store, 5) == [(1, BAD)]


def test_an_objective_that_was_never_met_is_breached_since_its_first_verdict(store: Store) -> None:
    record(store, {30: BAD, 20: NONE, 10: BAD})
    assert judged(store, 5) == [(30, BAD)]
