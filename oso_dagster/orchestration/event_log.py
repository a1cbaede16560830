"""Reads the asset events of all runs as plain facts: what was planned, materialized and observed, and what it said.

Does not belong here: the log of a single run (`run_log`), its record (`run_records`), what the facts mean
(`domain.attempts`), what is kept of them (`orchestration.ledger`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import dagster as dg

from oso_dagster.orchestration import storage_sql
from oso_dagster.orchestration.storage_sql import moment

PAGE = 100_000
"""Ids looked through at a time while looking for runs."""

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
_MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION.value
_OBSERVED = dg.DagsterEventType.ASSET_OBSERVATION.value
_KINDS = [_PLANNED, _MATERIALIZED, _OBSERVED]

_NEWEST = "SELECT max(id) FROM event_logs"
_RUNS = """
    SELECT {not}run_id, max(id) FROM event_logs
    WHERE id > :after AND id <= :upto AND {not}dagster_event_type IN :kinds AND {not}asset_key IN :keys GROUP BY {not}run_id
"""
_STANDING = "SELECT run_id, asset_key FROM event_logs WHERE id = :id"
_OF_RUNS = """
    SELECT id, run_id, dagster_event_type, timestamp, step_key, asset_key, partition FROM event_logs
    WHERE run_id IN :run_ids AND {not}dagster_event_type IN :kinds ORDER BY id
"""
_TEXTS = "SELECT id, event FROM event_logs WHERE id IN :ids"


@dataclass(frozen=True)
class Page:
    """The runs that have events of measured assets up to the id `last`; `anchor` describes the event at it."""

    run_ids: list[str]
    last: int
    anchor: str


class Materialized(NamedTuple):
    """When, and in which event, an asset partition was materialized."""

    at: datetime
    event_id: int


Unit = tuple[str, str | None]


@dataclass
class RunAssets:
    """The asset events of one run, by (asset, partition); `telling` are the ids of those that may tell of an attempt.

    `steps` tells which step makes which asset.
    """

    planned: set[Unit] = field(default_factory=set)
    materialized: dict[Unit, Materialized] = field(default_factory=dict)
    telling: dict[Unit, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[str, str] = field(default_factory=dict)


def runs_after(instance: dg.DagsterInstance, position: int, assets: Collection[str]) -> Iterator[Page]:
    """Pages of the runs that have events of `assets` with an id above `position`, in the order of ids."""
    keys = [dg.AssetKey(name.split("/")).to_string() for name in assets]
    [(newest,)] = storage_sql.events(instance, _NEWEST)
    for after in range(position, newest or 0, PAGE):
        found = storage_sql.events(instance, _RUNS, after=after, upto=after + PAGE, kinds=_KINDS, keys=keys)
        if found:
            last = max(row[1] for row in found)
            yield Page([row[0] for row in found], last, standing_at(instance, last) or "")


def standing_at(instance: dg.DagsterInstance, event_id: int) -> str | None:
    """Describes the event that stands at an id now; None when none does. Another answer later: the log was rewritten."""
    for run_id, stored in storage_sql.events(instance, _STANDING, id=event_id):
        return f"{run_id} {asset_name(stored)}" if stored else None
    return None


def asset_events_of(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> dict[str, RunAssets]:
    """The asset events of the given runs."""
    found: dict[str, RunAssets] = defaultdict(RunAssets)
    for event_id, run_id, kind, at, step, stored, partition in storage_sql.events(
        instance, _OF_RUNS, run_ids=list(run_ids), kinds=_KINDS
    ):
        if not stored:
            continue
        assets, name = found[run_id], asset_name(stored)
        if step is not None:
            assets.steps[name] = step
        if kind == _PLANNED:
            assets.planned.add((name, partition))
            continue
        assets.telling[name, partition].append(event_id)
        if kind == _MATERIALIZED:
            assets.materialized[name, partition] = Materialized(moment(at), event_id)
    return found


def told_by(instance: dg.DagsterInstance, event_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The numbers and texts in the metadata of observations and materializations, by event id."""
    found, wanted = {}, sorted(event_ids)
    for start in range(0, len(wanted), 500):
        for event_id, body in storage_sql.events(instance, _TEXTS, ids=wanted[start : start + 500]):
            data = json.loads(body)["dagster_event"]["event_specific_data"]
            entries = (data.get("materialization") or data["asset_observation"])["metadata_entries"]
            found[event_id] = {one["label"]: _value(one["entry_data"]) for one in entries}
    return found


@lru_cache(maxsize=10_000)
def asset_name(stored: str) -> str:
    """`oss_directory/projects` for what the event log stores as `["oss_directory", "projects"]`."""
    key = dg.AssetKey.from_db_string(stored)
    if key is None:
        raise ValueError(f"the event log holds an asset key that cannot be read: {stored!r}")
    return key.to_user_string()


def storage_id(instance: dg.DagsterInstance) -> str:
    """The identity of Dagster's storage: cursors belong to it, not to the instance object."""
    storage: Any = instance.run_storage
    return str(storage.get_run_storage_id())


def _value(entry: dict[str, Any]) -> Any:
    return entry.get("value", entry.get("text"))
