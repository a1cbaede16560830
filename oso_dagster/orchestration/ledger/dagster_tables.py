"""Plain SQL on Dagster's own tables, with only the columns that are needed: reading records as objects takes minutes.

With `log_files`, the one place that knows which tables and columns Dagster keeps; a test holds them to the installed version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite import SqliteRunStorage
from sqlalchemy import Connection, text

from oso_dagster.orchestration.ledger.log_files import for_engine, in_json, rows_of_file

COLUMNS: Mapping[str, frozenset[str]] = {
    "event_logs": frozenset({"id", "run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition"}),
    "asset_check_executions": frozenset(
        {"id", "asset_key", "check_name", "run_id", "execution_status", "partition", "create_timestamp", "evaluation_event"}
    ),
    "runs": frozenset({"id", "run_id", "status", "run_body", "update_timestamp", "start_time", "end_time"}),
    "run_tags": frozenset({"run_id", "key", "value"}),
    "asset_keys": frozenset({"asset_key", "wipe_timestamp"}),
    "instance_info": frozenset({"run_storage_id"}),
}
"""What is read, by table, here and in `log_files`."""

_RUNS_AT_ONCE = 1_000
"""With more runs in one query, PostgreSQL would read the whole log instead of an index."""


Opened = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class _KeptConnections:
    """Connections that stay open until the stack is unwound, by the storage they lead to."""

    stack: ExitStack
    to: dict[int, Connection] = field(default_factory=dict)


_KEPT: ContextVar[_KeptConnections | None] = ContextVar("kept", default=None)


@contextmanager
def few_connections() -> Iterator[None]:
    """Inside, a server is queried over one connection for each storage: opening one costs it as much as most queries do."""
    with ExitStack() as stack:
        token = _KEPT.set(_KeptConnections(stack))
        try:
            yield
        finally:
            _KEPT.reset(token)


def events(instance: dg.DagsterInstance, sql: str, **values: Any) -> list[Any]:
    """Rows from the events of all runs: on SQLite those that Dagster mirrors into its index, which are not all."""
    storage: Any = instance.event_log_storage
    return [row for part in _parts(values) for row in _rows(storage, storage.index_connection, sql, part)]


def records(instance: dg.DagsterInstance, sql: str, **values: Any) -> list[Any]:
    """Rows from the records and tags of runs."""
    storage: Any = instance.run_storage
    return [row for part in _parts(values) for row in _rows(storage, storage.connect, sql, part)]


def logs(instance: dg.DagsterInstance, sql: str, run_ids: Sequence[str], **values: Any) -> list[Any]:
    """Rows from the whole logs of the given runs; `sql` names them as `:run_ids`, like every list.

    Dagster's SQLite storage has a file for each run: it is opened for reading only, since Dagster's own way of opening it
    looks for migrations first, which takes a hundred times as long.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return events(instance, sql, run_ids=list(run_ids), **values)
    rows: list[Any] = []
    for run_id in run_ids:
        path = Path(storage.path_for_shard(run_id))
        if path.exists():
            rows += rows_of_file(path, sql, {"run_ids": [run_id], **values}, of_one_run=True)
    return rows


def is_local(instance: dg.DagsterInstance) -> bool:
    """Whether the storage lies in files of this machine, so that every run's process is, or was, on it too."""
    return isinstance(instance.event_log_storage, SqliteEventLogStorage)


def moment(stored: Any) -> datetime:
    """A time in UTC, of what SQLite (text), PostgreSQL (a time without a zone) or a record (seconds) holds."""
    if isinstance(stored, (int, float)):
        return datetime.fromtimestamp(stored, UTC)
    if isinstance(stored, str):
        return datetime.fromisoformat(f"{stored}+00:00")
    at: datetime = stored.replace(tzinfo=UTC)
    return at


def body_of(event: str) -> dict[str, Any]:
    """What Dagster wrote into an event of its own."""
    body: dict[str, Any] = parsed(event)["dagster_event"]
    return body


def parsed(stored: str) -> dict[str, Any]:
    """JSON as Dagster stores it, which may hold numbers that JSON does not know: only Python's own reader takes these."""
    try:
        document: dict[str, Any] = msgspec.json.decode(stored)
    except msgspec.DecodeError:
        document = json.loads(stored)
    return document


def _parts(values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The same query about some runs at a time, where it is about many."""
    runs = values.get("run_ids", ())
    if len(runs) <= _RUNS_AT_ONCE:
        yield values
        return
    for start in range(0, len(runs), _RUNS_AT_ONCE):
        yield {**values, "run_ids": runs[start : start + _RUNS_AT_ONCE]}


def _rows(storage: Any, opened: Opened, sql: str, values: Mapping[str, Any]) -> list[Any]:
    if not all(value for value in values.values() if isinstance(value, list)):
        return []  # nothing is in an empty list
    with _connection(storage, opened) as connection:
        sqlite = connection.dialect.name == "sqlite"
        given = in_json(values) if sqlite else dict(values)
        return list(connection.execute(text(for_engine(sql, sqlite=sqlite)), given).cursor.fetchall())


def _connection(storage: Any, opened: Opened) -> AbstractContextManager[Connection]:
    """A connection for one query; a file's is cheap, and is not held: others may wait for it."""
    kept = _KEPT.get()
    if kept is None or isinstance(storage, (SqliteEventLogStorage, SqliteRunStorage)):
        return opened()
    if id(storage) not in kept.to:
        kept.to[id(storage)] = kept.stack.enter_context(opened())
    return nullcontext(kept.to[id(storage)])
