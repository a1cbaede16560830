"""Reads the asset events of all runs as plain facts: what was planned, materialized and observed, with its metadata.

Does not belong here: the steps of a single run (`run_steps`), its record (`run_records`), what the facts mean
(`domain.objectives.attempts`), what is kept of them (`orchestration.ledger.fill`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import dagster as dg

from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.dagster_tables import body_of
from oso_dagster.orchestration.ledger.log_files import MATERIALIZED, OBSERVED, PLANNED, PLATFORM_SCHEMAS

_OF_RUNS = """
    SELECT run_id, asset_key, partition, max(step_key),
        max(CASE WHEN dagster_event_type = :materialized THEN id END),
        max(CASE WHEN dagster_event_type = :materialized THEN {at} END)
    FROM event_logs WHERE run_id IN :run_ids AND {no_index}dagster_event_type IN :kinds GROUP BY run_id, asset_key, partition
"""
_METADATA = """
    SELECT run_id, asset_key, partition, event FROM event_logs
    WHERE run_id IN :run_ids AND {no_index}dagster_event_type IN :kinds AND {no_index}asset_key IN :keys ORDER BY id
"""
_TEXTS = "SELECT id, event FROM event_logs WHERE id IN :ids"


class Materialized(NamedTuple):
    """When, and in which event, an asset partition was materialized; `text` is the time as the ledger writes it."""

    text: str
    event_id: int

    @property
    def at(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromisoformat(self.text)


Unit = tuple[str, str | None]


@dataclass
class RunAssets:
    """What one run was to make, by (asset, partition): when it was materialized last, None where it was planned only.

    `event_metadata` is that of the events that may report an attempt, in their order; `steps` which step makes which asset.
    """

    units: dict[Unit, Materialized | None] = field(default_factory=dict)
    event_metadata: dict[Unit, list[dict[str, Any]]] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)


def asset_events_of(instance: dg.DagsterInstance, run_ids: Sequence[str], silent_assets: Collection[str]) -> dict[str, RunAssets]:
    """The asset events of the given runs; with the metadata of all that may report attempts: what is no `silent_assets`."""
    by_run: dict[str, RunAssets] = defaultdict(RunAssets)
    rows = dagster_tables.events(
        instance, _OF_RUNS, run_ids=list(run_ids), kinds=[PLANNED, MATERIALIZED], materialized=MATERIALIZED
    )
    for run_id, stored, partition, step, event_id, at in rows:
        if stored:
            name = name_of_key(stored)
            if is_own(name):
                continue
            assets = by_run[run_id]
            assets.units[name, partition] = None if event_id is None else Materialized(at, event_id)
            if step is not None:
                assets.steps[name] = step
    reporting = {name for assets in by_run.values() for name, _ in assets.units} - set(silent_assets)
    keys, kinds = [stored_key(name) for name in sorted(reporting)], [MATERIALIZED, OBSERVED]
    for run_id, stored, partition, body in dagster_tables.events(
        instance, _METADATA, run_ids=list(run_ids), kinds=kinds, keys=keys
    ):
        by_run[run_id].event_metadata.setdefault((name_of_key(stored), partition), []).append(_metadata(body))
    return by_run


def metadata_of_events(instance: dg.DagsterInstance, event_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The numbers and texts in the metadata of observations and materializations, by event id."""
    metadata, ordered = {}, sorted(event_ids)
    for start in range(0, len(ordered), 500):
        for event_id, body in dagster_tables.events(instance, _TEXTS, ids=ordered[start : start + 500]):
            metadata[event_id] = _metadata(body)
    return metadata


@lru_cache(maxsize=10_000)
def name_of_key(stored: str) -> str:
    """`oss_directory/projects` for what the event log stores as `["oss_directory", "projects"]`."""
    key = dg.AssetKey.from_db_string(stored)
    if key is None:
        raise ValueError(f"the event log holds an asset key that cannot be read: {stored!r}")
    return key.to_user_string()


def is_own(name: str) -> bool:
    """Whether this is an asset of the platform itself, which leaves no trace in the ledger."""
    return name.partition("/")[0] in PLATFORM_SCHEMAS


def stored_key(name: str) -> str:
    """What the event log stores for the asset `name`."""
    return dg.AssetKey(name.split("/")).to_string()


def storage_id(instance: dg.DagsterInstance) -> str:
    """The identity of Dagster's storage: cursors belong to it, not to the instance object."""
    storage: Any = instance.run_storage
    return str(storage.get_run_storage_id())


def _metadata(body: str) -> dict[str, Any]:
    data = body_of(body)["event_specific_data"]
    entries = (data.get("materialization") or data["asset_observation"])["metadata_entries"]
    return {entry["label"]: _value(entry["entry_data"]) for entry in entries}


def _value(entry: dict[str, Any]) -> Any:
    return entry.get("value", entry.get("text"))
