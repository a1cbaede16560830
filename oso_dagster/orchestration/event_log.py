"""Reads Dagster's event log across runs, and run records, as plain facts: the one module that knows how they are stored.

Belongs here: SQL on the index of the event log, run tags. Does not: the log of a single run (`orchestration.run_log`), what
the facts mean (`domain.attempts`), what is kept of them (`orchestration.ledger`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from sqlalchemy import Connection, select

from oso_dagster.domain.attempts import RunState

PAGE = 20_000
"""Events read at a time while looking for runs."""

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION
_OBSERVED = dg.DagsterEventType.ASSET_OBSERVATION
_WANTED = [_PLANNED.value, _MATERIALIZED.value, _OBSERVED.value]
_RUN_STATES = {
    dg.DagsterRunStatus.SUCCESS: RunState.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED: RunState.CANCELED,
}
_events = SqlEventLogStorageTable.c


@dataclass(frozen=True)
class Seen:
    """One event of the index: enough to know which run to look at."""

    id: int
    run_id: str
    asset: str

    @property
    def anchor(self) -> str:
        """What must still stand at this id when the log was not rewritten."""
        return f"{self.run_id} {self.asset}"


@dataclass(frozen=True)
class RunFacts:
    """A run as its record tells it; `retry_of` is set for automatic retries only, `retry_announced` None is undecided."""

    run_id: str
    state: RunState
    started: datetime | None
    ended: datetime | None
    touched: datetime
    retry_of: str | None
    retry_announced: bool | None
    retried: bool
    failure_reason: str
    plan_id: str | None


@dataclass(frozen=True)
class Materialized:
    """When, and in which event, an asset partition was materialized."""

    at: datetime
    event_id: int


@dataclass
class RunAssets:
    """The asset events of one run, by (asset, partition); `telling` are the ids of those that may tell of an attempt."""

    planned: set[tuple[str, str | None]] = field(default_factory=set)
    materialized: dict[tuple[str, str | None], Materialized] = field(default_factory=dict)
    telling: dict[tuple[str, str | None], list[int]] = field(default_factory=lambda: defaultdict(list))


def asset_events_after(instance: dg.DagsterInstance, position: int) -> Iterator[list[Seen]]:
    """Pages of planned, materialized and observed events with an id above `position`, in the order of ids."""
    columns = select(_events.id, _events.run_id, _events.asset_key)
    while True:
        query = columns.where(_events.id > position, _events.dagster_event_type.in_(_WANTED)).order_by(_events.id).limit(PAGE)
        with _index(instance) as connection:
            page = [Seen(row.id, row.run_id, asset_name(row.asset_key)) for row in connection.execute(query) if row.asset_key]
        if not page:
            return
        yield page
        position = page[-1].id


def event_at(instance: dg.DagsterInstance, event_id: int) -> Seen | None:
    """The event that stands at `event_id` now."""
    query = select(_events.id, _events.run_id, _events.asset_key).where(_events.id == event_id)
    with _index(instance) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None or not row.asset_key else Seen(row.id, row.run_id, asset_name(row.asset_key))


def run_facts(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> list[RunFacts]:
    """The records of the given runs that still exist, oldest first."""
    records = instance.get_run_records(dg.RunsFilter(run_ids=list(run_ids)))
    return [_facts(record) for record in sorted(records, key=lambda record: record.storage_id)]


def asset_events_of(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> dict[str, RunAssets]:
    """The asset events of the given runs."""
    found: dict[str, RunAssets] = defaultdict(RunAssets)
    columns = (_events.id, _events.run_id, _events.dagster_event_type, _events.timestamp, _events.asset_key, _events.partition)
    query = (
        select(*columns).where(_events.run_id.in_(list(run_ids)), _events.dagster_event_type.in_(_WANTED)).order_by(_events.id)
    )
    with _index(instance) as connection:
        for row in connection.execute(query):
            if row.asset_key:
                _sort_in(found[row.run_id], row)
    return found


def row_counts(instance: dg.DagsterInstance, event_ids: Iterable[int]) -> dict[int, int]:
    """What materializations say in `dagster/row_count`, by event id; those that say nothing are left out."""
    counts: dict[int, int] = {}
    for event_id, metadata in _metadata(instance, _MATERIALIZED, list(event_ids)):
        value = metadata.get("dagster/row_count")
        if value is not None and isinstance(value.value, int):
            counts[event_id] = value.value
    return counts


def told_by(instance: dg.DagsterInstance, event_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The metadata of observations and materializations as plain values, by event id."""
    found = chain.from_iterable(_metadata(instance, kind, event_ids) for kind in (_OBSERVED, _MATERIALIZED))
    return {event_id: {name: value.value for name, value in metadata.items()} for event_id, metadata in found}


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


def _index(instance: dg.DagsterInstance) -> AbstractContextManager[Connection]:
    """The database of asset events of all runs; SQLite and PostgreSQL have it, the abstract storage does not."""
    storage: Any = instance.event_log_storage
    connection: AbstractContextManager[Connection] = storage.index_connection()
    return connection


def _facts(record: dg.RunRecord) -> RunFacts:
    run, tags = record.dagster_run, record.dagster_run.tags
    announced = tags.get("dagster/will_retry")
    return RunFacts(
        run_id=run.run_id,
        state=_RUN_STATES.get(run.status, RunState.ACTIVE),
        started=None if record.start_time is None else moment(record.start_time),
        ended=None if record.end_time is None else moment(record.end_time),
        touched=record.update_timestamp.replace(tzinfo=record.update_timestamp.tzinfo or UTC),
        retry_of=run.parent_run_id if "dagster/retry_number" in tags else None,
        retry_announced=None if announced is None else announced.lower() == "true",
        retried="dagster/auto_retry_run_id" in tags,
        failure_reason=tags.get("dagster/failure_reason", ""),
        plan_id=run.execution_plan_snapshot_id,
    )


def _sort_in(assets: RunAssets, row: Any) -> None:
    unit = (asset_name(row.asset_key), row.partition)
    if row.dagster_event_type == _PLANNED.value:
        assets.planned.add(unit)
        return
    assets.telling[unit].append(row.id)
    if row.dagster_event_type == _MATERIALIZED.value:
        assets.materialized[unit] = Materialized(row.timestamp.replace(tzinfo=UTC), row.id)


def _metadata(
    instance: dg.DagsterInstance, kind: dg.DagsterEventType, event_ids: Sequence[int]
) -> Iterator[tuple[int, Mapping[str, dg.MetadataValue]]]:
    for start in range(0, len(event_ids), 500):
        wanted = dg.EventRecordsFilter(event_type=kind, storage_ids=list(event_ids[start : start + 500]))
        for record in instance.event_log_storage.get_event_records(wanted):
            event = record.event_log_entry.asset_materialization or record.event_log_entry.asset_observation
            if event is not None:
                yield record.storage_id, event.metadata


def moment(seconds: float) -> datetime:
    """Unix seconds as UTC."""
    return datetime.fromtimestamp(seconds, UTC)
