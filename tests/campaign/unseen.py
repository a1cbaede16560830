"""How a load is judged whose answers nobody can tell from good ones: days in part, rows that are gone, an answer of long ago.

What it published may differ from the truth then. It must be a part of it, the next run must set it right (which `campaign` sees
to), and the platform must say what a person needs: how many rows went, or that the newest event is too old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from oso_dagster.domain.catalogue.loading import NEWEST_EVENT, ROWS_REMOVED
from oso_dagster.domain.catalogue.truth import VANISHED
from oso_dagster.domain.objectives.freshness import Freshness, judge_events
from tests.campaign.cases import FROZEN, GONE, IN_PART, Case
from tests.campaign.place import Place, Rows


@dataclass(frozen=True)
class Before:
    """The rows before the load, those of the truth, and those that it left."""

    old: Rows
    new: Rows
    left: Rows

    def gone(self, name: str) -> set[str]:
        """The rows of a table that were there before the load and are not now."""
        return set(self.old[name]) - set(self.left[name])


def facts_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The metadata of what a run has loaded."""
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def _failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    return {evaluation.check_name for evaluation in result.get_asset_check_evaluations() if not evaluation.passed}


def _came_in_part(made: Place, case: Case, result: dg.ExecuteInProcessResult, rows: Before) -> str:
    """The next run asks for these days again, or the table is read whole each time: no key is there that the truth has not."""
    table = case.table
    keys = {name: made.keys(case.source, table, name) for name in table.physical}
    for name, (now, true) in keys.items():
        assert now <= true, f"{name} has rows that the truth has not"
    return "came in part, filled by the next run"


def _what_is_gone_was_counted(made: Place, case: Case, result: dg.ExecuteInProcessResult, rows: Before) -> str:
    """Rows that went are counted in the load's record, or their item is named; none is there that the truth has not."""
    assert all(set(rows.left[name]) <= set(rows.new[name]) for name in rows.left)
    facts = facts_of(result)
    gone = rows.gone(case.table.name)
    assert facts.get(ROWS_REMOVED, 0) >= len(gone) or facts.get(VANISHED), facts
    return "what is gone was counted, healed"


def _out_of_date(made: Place, case: Case, result: dg.ExecuteInProcessResult, rows: Before) -> str:
    """A check fails, or the promise of the newest event is broken."""
    assert all(set(rows.left[name]) <= set(rows.new[name]) for name in rows.left)
    if _failed_checks(result):
        return "shown as out of date, healed"
    newest, promised = facts_of(result).get(NEWEST_EVENT), case.table.events_within
    assert newest is not None, "neither a check nor an event shows that it is old"
    assert promised is not None, f"{case.name} promises no newest event"
    assert judge_events(datetime.fromisoformat(newest), promised, made.world.now) is Freshness.STALE, newest
    return "shown as out of date, healed"


UNSEEN: Mapping[str, Callable[[Place, Case, dg.ExecuteInProcessResult, Before], str]] = {
    IN_PART: _came_in_part,
    GONE: _what_is_gone_was_counted,
    FROZEN: _out_of_date,
}
"""The judgement of each such fault; how the case ended. Raises AssertionError."""
