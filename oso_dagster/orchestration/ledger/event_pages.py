"""Reads the event log of all runs page by page: which runs have new events, and all of those that ended within a page.

Belongs here: how far a log is read at once. Does not: what is read of a run by its id (`asset_events`, `run_steps`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

import dagster as dg

from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.asset_events import Materialized, RunAssets, is_own, name_of_key
from oso_dagster.orchestration.ledger.log_files import FINGERPRINT, KINDS, MATERIALIZED, OBSERVED

PAGE = 50_000
"""How many event ids one query covers while searching for runs."""

_SUCCESS = dg.DagsterEventType.RUN_SUCCESS.value
_ENDS = [_SUCCESS, dg.DagsterEventType.RUN_FAILURE.value, dg.DagsterEventType.RUN_CANCELED.value]
_NEWEST = "SELECT max(id) FROM event_logs"
_EVENTS = """
    SELECT id, run_id, dagster_event_type, asset_key, partition, step_key, {at} FROM event_logs
    WHERE id > :after AND id <= :upto AND {no_index}dagster_event_type IN :kinds ORDER BY id
"""
_LATER = """
    SELECT DISTINCT run_id FROM event_logs
    WHERE run_id IN :run_ids AND id > :upto AND {no_index}dagster_event_type IN :kinds
"""


@dataclass(frozen=True)
class EventPage:
    """The runs that have events of assets, but the platform's own, up to the id `last`; `anchor` describes the event at it.

    `ended`: what those made that ended within the page and logged nothing of assets behind it. Only of runs all of whose assets
    are silent, and right only for a run that no earlier page named.
    """

    run_ids: list[str]
    last: int
    anchor: str
    ended: dict[str, RunAssets]


def pages_after(instance: dg.DagsterInstance, position: int, silent_assets: Collection[str]) -> Iterator[EventPage]:
    """Pages of the runs that have events of assets with an id above `position`, in the order of ids, whoever knows the assets."""
    [(newest,)] = dagster_tables.events(instance, _NEWEST)
    silent = frozenset(silent_assets)
    for after in range(position, newest or 0, PAGE):
        rows = dagster_tables.events(instance, _EVENTS, after=after, upto=after + PAGE, kinds=[*KINDS, *_ENDS])
        collected = _Collected(silent)
        collected.add(rows)
        if collected.last_of_run:
            last = max(collected.last_of_run.values())
            run_ids = [run_id for run_id, _ in sorted(collected.last_of_run.items(), key=itemgetter(1))]
            # Who succeeds logs nothing after that; a run that was ended from outside may go on.
            cut = [run_id for run_id in collected.ended if not collected.ended[run_id]]
            later = {row[0] for row in dagster_tables.events(instance, _LATER, run_ids=cut, upto=after + PAGE, kinds=KINDS)}
            yield EventPage(run_ids, last, event_fingerprint_at(instance, last) or "", collected.whole(later))


def event_fingerprint_at(instance: dg.DagsterInstance, event_id: int) -> str | None:
    """Describes the event that has an id now; None when none has. A different description later: the log was rewritten."""
    for run_id, stored in dagster_tables.events(instance, FINGERPRINT, id=event_id):
        return f"{run_id} {name_of_key(stored)}" if stored else None
    return None


@dataclass
class _Collected:
    """What the rows of one page say of each run; `ended` whether by itself and well."""

    silent: frozenset[str]
    last_of_run: dict[str, int] = field(default_factory=dict)
    assets: dict[str, RunAssets] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    reporting: set[str] = field(default_factory=set)

    def add(self, rows: Sequence[Any]) -> None:
        """Take in rows in the order of their ids."""
        for event_id, run_id, kind, stored, partition, step, at in rows:
            if not stored:
                if kind in _ENDS:
                    self.ended[run_id] = kind == _SUCCESS
                continue
            name = _foreign_name(stored)
            if not name:
                continue
            self.last_of_run[run_id] = event_id
            if name not in self.silent:
                self.reporting.add(run_id)
            if kind == OBSERVED:
                continue
            assets = self.assets.get(run_id)
            if assets is None:
                assets = self.assets[run_id] = RunAssets()
            if kind == MATERIALIZED:
                before = assets.units.get((name, partition))
                assets.units[name, partition] = Materialized(max(at, before.text) if before else at, event_id)
            else:
                assets.units.setdefault((name, partition), None)
            if step is not None and assets.steps.get(name, "") < step:
                assets.steps[name] = step

    def whole(self, later: Collection[str]) -> dict[str, RunAssets]:
        """What the runs made that ended, but those that went on `later`, and those whose assets may report attempts."""
        left_out = self.reporting.union(later)
        return {run_id: assets for run_id, assets in self.assets.items() if run_id in self.ended and run_id not in left_out}


@lru_cache(maxsize=10_000)
def _foreign_name(stored: str) -> str:
    """The name of an asset; empty for one of the platform's own."""
    name = name_of_key(stored)
    return "" if is_own(name) else name
