"""Keeps the tables of the lakehouse small: files merged, old snapshots forgotten, files that nothing names removed.

The producer's Trino does the work; how a table stands is read from Iceberg's metadata, without its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.warehouse.ddl import quoted
from oso_dagster.warehouse.lakehouse.catalogue import NAME, LakeCatalogue
from oso_dagster.warehouse.lakehouse.trino_client import rows_of_query

KEPT = timedelta(days=7)
"""How long a snapshot stays readable, and the least age of a file to be removed. Trino refuses less, unless told otherwise."""
FULL_FILE = 32 * 2**20
"""Bytes of a file that needs no merging."""
MOST_SNAPSHOTS = 500
"""An hourly load makes 168 in a week; a partition loaded again and again may add as many."""
MOST_SMALL_FILES = 16
"""Of one partition: what a day of hourly appends adds is merged before the next."""

Run = Callable[[str, str], object]


@dataclass(frozen=True)
class TableState:
    """A table by schema and name: snapshots, the oldest one's time, and the most files in a partition that could be fewer."""

    schema: str
    name: str
    snapshots: int
    oldest: datetime | None
    small_files: int

    @property
    def within_bounds(self) -> bool:
        """Whether readers of it do not suffer."""
        return self.snapshots <= MOST_SNAPSHOTS and self.small_files <= MOST_SMALL_FILES

    def in_words(self) -> str:
        """For a check's result."""
        return f"{self.schema}.{self.name}: {self.snapshots} snapshots, up to {self.small_files} small files in a partition"


def states(catalogue: LakeCatalogue) -> list[TableState]:
    """Every table, from its metadata."""
    tables = sorted(key for key, (_, is_view) in catalogue.entries().items() if not is_view)
    return [state for schema, name in tables if (state := _state(catalogue, schema, name)) is not None]


def _state(catalogue: LakeCatalogue, schema: str, name: str) -> TableState | None:
    table = catalogue.table_or_none(schema, name)
    if table is None:  # dropped since it was listed
        return None
    moments = [snapshot.timestamp_ms for snapshot in table.metadata.snapshots]
    small = 0
    if table.current_snapshot() is not None:
        for partition in table.inspect.partitions().to_pylist():
            files = partition["file_count"] + partition["position_delete_file_count"]
            needed = 1 + partition["total_data_file_size_in_bytes"] // FULL_FILE
            small = max(small, files - needed)
    oldest = datetime.fromtimestamp(min(moments) / 1000).astimezone() if moments else None
    return TableState(schema, name, len(moments), oldest, small)


def maintain(
    address: str,
    catalogue: LakeCatalogue,
    now: datetime,
    *,
    alone: Callable[[str, str], AbstractContextManager[object]] = lambda *_: nullcontext(),
    kept: timedelta = KEPT,
    run: Run = rows_of_query,
) -> tuple[list[TableState], dict[str, str]]:
    """Put every table in order, each `alone`; how all stand afterwards, and by table why one could not be.

    Orphans are files that no metadata names: of loads that died, and of commits that were refused. Those younger than `kept` may
    belong to a commit under way, and stay.
    """
    failures: dict[str, str] = {}
    for state in states(catalogue):
        target = f"ALTER TABLE {NAME}.{quoted(state.schema)}.{quoted(state.name)} EXECUTE"
        try:
            with alone(state.schema, state.name):
                for statement in _statements(state, now, kept):
                    run(address, f"{target} {statement}")
        except Exception as error:  # noqa: BLE001  (one table must not keep the others from it; each is reported)
            failures[f"{state.schema}.{state.name}"] = f"{type(error).__name__}: {error}"
    return states(catalogue), failures


def _statements(state: TableState, now: datetime, kept: timedelta) -> Iterable[str]:
    threshold = f"{max(int(kept.total_seconds()), 1)}s"
    if state.small_files:
        yield f"optimize(file_size_threshold => '{FULL_FILE}B')"
    if state.oldest is not None and now - state.oldest > kept:
        yield f"expire_snapshots(retention_threshold => '{threshold}')"
    yield f"remove_orphan_files(retention_threshold => '{threshold}')"
