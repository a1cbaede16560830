"""Dagster's own SQLite storage, with its files of events kept open: an event costs a millisecond or two instead of ten to thirty.

Dagster opens and closes a file for every event. Closing the last connection to a SQLite file writes its log back and waits for
the disk, several times per event. Here each process keeps the files that it uses open, and waits for the disk when the log
is written back (`synchronous=NORMAL`): a killed process loses nothing; a power cut may lose the last events, never the file.

Belongs here: how the files are opened. Does not: what is in them (`orchestration.ledger.asset_events`). The files are
Dagster's: either storage reads what the other wrote.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import get_alembic_config, run_alembic_upgrade
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from oso_dagster.orchestration.upkeep.event_rows import (
    INSERT,
    INSERT_RETURNING_ID,
    asset_update,
    planned_check_rows,
    update_check_row,
)
from oso_dagster.orchestration.upkeep.new_run_file import make_run_file
from oso_dagster.orchestration.upkeep.run_files import mark, newest_version, outdated

FILES_KEPT_OPEN = 16
"""Each run has a file of its own beside the index; the least lately used one is closed first."""

_OPENING_SECONDS = 60
"""Making the files takes a second or two, for each of the processes that want to."""

_OF_ASSETS = ASSET_EVENTS | ASSET_CHECK_EVENTS

_PATIENT: dict[str, Any] = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}


class OpenSqliteStorage(DagsterSqliteStorage):
    """`storage.custom` of `dagster.yaml`: runs and schedules as Dagster keeps them, events through `OpenEventLog`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Two processes that make new files at once would each write the version into them: nobody could open them again.
        with FileLock(Path(base_dir) / "opening.lock", timeout=_OPENING_SECONDS):
            super().__init__(base_dir, inst_data)
        self._event_log_storage = OpenEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> OpenSqliteStorage:
        """As Dagster makes it from `dagster.yaml`."""
        return cls.from_local(inst_data=inst_data, base_dir=config_value["base_dir"])


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log, one connection per file and process, used by one thread at a time as Dagster does too."""

    def __init__(self, base_dir: str) -> None:
        self._open: OrderedDict[str, Engine] = OrderedDict()
        self._left_to_parent: list[OrderedDict[str, Engine]] = []
        self._pid = os.getpid()
        self._asset_columns = False
        self._tables: set[str] = set()
        self._held: dict[str, Connection] = {}
        super().__init__(base_dir)
        self._db_lock = RLock()  # type: ignore[assignment]  # a batch takes it again for each of its events

    def store_event(self, event: EventLogEntry) -> None:
        """Store it, and touch the run's file: who watches a run for new events watches the file, not SQLite's log beside it."""
        if event.run_id and event.is_dagster_event and event.dagster_event_type in _OF_ASSETS:
            self.store_event_batch([event])
        else:
            super().store_event(event)
            os.utime(self.path_for_shard(event.run_id))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """What one run is going to do, or other events of its assets: one transaction per file instead of three per event."""
        runs, kinds = {event.run_id for event in events}, {event.dagster_event_type for event in events}
        if len(runs) != 1 or not kinds <= _OF_ASSETS:
            super().store_event_batch(events)
            return
        (run,) = runs
        rows = [self._event_to_row(event) for event in events]
        with self._held_open(run, INDEX_SHARD_NAME) as (own, index):
            own.execute(INSERT, rows)
            planned: list[dict[str, Any]] = []
            for event_id, event, row in zip(index.execute(INSERT_RETURNING_ID, rows).scalars().all(), events, rows, strict=True):
                if event.dagster_event_type in ASSET_EVENTS:
                    self._store_asset_event_tags(index, [event], [event_id])
                    self._store_asset_event(index, event, event_id)
                elif event.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                    planned += planned_check_rows(event, event_id, row)
                elif not update_check_row(index, event, event_id, row):
                    self.store_asset_check_event(event, event_id)
            if planned:
                index.execute(AssetCheckExecutionsTable.insert(), planned)
        os.utime(self.path_for_shard(run))

    def upgrade(self) -> None:
        """Bring the index and the files of runs that are of another version to this one; the others are not opened."""
        config, version, began = get_alembic_config(sqlite_event_log.__file__), newest_version(), time.time()
        folder = Path(self.path_for_shard(INDEX_SHARD_NAME)).parent
        paths = (Path(self.path_for_shard(run_id)) for run_id in self.get_all_run_ids())
        for path in list(outdated(paths, folder, version)):
            with self.run_connection(path.stem) as connection:
                run_alembic_upgrade(config, connection, path.stem)
        with self.index_connection() as connection:
            run_alembic_upgrade(config, connection, "index")
        mark(folder, version, began)
        self._initialized_dbs = set()

    def delete_events(self, run_id: str) -> None:
        """Those in the index, and the run's file as a whole: Dagster would empty it and leave it."""
        with self.index_connection() as connection:
            self.delete_events_for_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)
        with self._db_lock:
            engine = self._open.pop(run_id, None)
            if engine is not None:
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)

    def wipe(self) -> None:
        """Delete everything; closed files only can be deleted."""
        self._close_all()
        super().wipe()

    def dispose(self) -> None:
        """Close every file, which writes SQLite's logs back."""
        super().dispose()
        self._close_all()

    def has_table(self, table_name: str) -> bool:
        """A table stays once it is there: Dagster looks anew, through a connection of its own, at every check."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard in self._held:
                yield self._held[shard]
                return
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def _held_open(self, *shards: str) -> Iterator[list[Connection]]:
        """What this thread does to these files meanwhile is one transaction in each."""
        with self._db_lock, ExitStack() as stack:
            self._held = {shard: stack.enter_context(self._connect(shard)) for shard in shards}
            try:
                yield list(self._held.values())
            finally:
                self._held = {}

    def _engine(self, shard: str) -> Engine:
        if self._pid != os.getpid():  # a child may neither use nor close its parent's connections: SQLite forbids it
            self._left_to_parent.append(self._open)
            self._open, self._pid = OrderedDict(), os.getpid()
        engine = self._open.pop(shard, None)
        if engine is None:
            address = self.conn_string_for_shard(shard)
            if shard not in self._initialized_dbs:
                path = Path(self.path_for_shard(shard))
                if shard == INDEX_SHARD_NAME or path.exists() or not make_run_file(path, self._initdb):
                    self._initdb(create_engine(address, poolclass=NullPool, connect_args=_PATIENT))
                self._initialized_dbs.add(shard)
            engine = _kept_open(address)
        self._open[shard] = engine
        if len(self._open) > FILES_KEPT_OPEN:
            self._open.popitem(last=False)[1].dispose()
        return engine

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        """Columns are there for good once they are: Dagster looks anew at every event."""
        self._asset_columns = self._asset_columns or super()._has_asset_key_index_cols_on_connection(conn)
        return self._asset_columns

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """What is kept of an asset beside its events. It is there nearly always: Dagster tries first to make it."""
        values = self._get_asset_entry_values(event, event_id, self._has_asset_key_index_cols_on_connection(conn))
        key: Any = event.get_dagster_event().asset_key
        if values and conn.execute(asset_update(*values), {"of_asset": key.to_string(), **values}).rowcount == 0:
            super()._store_asset_event(conn, event, event_id)

    def _close_all(self) -> None:
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].dispose()


def _kept_open(address: str) -> Engine:
    engine = create_engine(address, poolclass=StaticPool, connect_args=_PATIENT | {"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
