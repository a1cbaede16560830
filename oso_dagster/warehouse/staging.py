"""An extract becomes a load package of dlt's, whose rows a database in memory shows under the names that they will have.

They are views of the package's files: each check reads the columns that it needs, and the publishing transaction writes the rows,
once. Nothing here touches the warehouse, so nothing here needs its lock, and a killed load leaves nothing in it. dlt's folder is
wiped before each attempt and its state is not restored: a package that a killed run left pending can never be loaded in place
of new rows. One attempt at a time per table and partition.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from oso_dagster.domain.catalogue.loading import Extract, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import quoted
from oso_dagster.warehouse.packing.load_package import packed

DATABASE = "memory"
"""DuckDB's name for a connection's own database in memory."""

SURVIVING = f"{DATABASE}.main.surviving"
"""Where the keys are that upstream still has, when the extract says so."""

SCHEMA = f"{DATABASE}.arrived"
"""Where the staged rows are, under the names under which they will be published: views."""

_ASKED_EVERY = 0.5
"""Seconds between two questions of a load that waits for another."""

_MEMORY, _MORE_MEMORY = 64 * 2**20, 128 * 2**20
"""Bytes that DuckDB may hold of one load, of narrow rows and of others; the rest is spilled, so that a day of any size fits."""

_OFTEN = 16
"""Where so many times what is read at a time is more than the less, it would be spilled again and again."""

_READ_AT_ONCE = 5
"""So many times what is read at a time is held while it is judged and written, which cannot be spilled."""

_MOST_MEMORY = 2**30
"""Bytes that DuckDB may hold of the widest rows."""


@dataclass(frozen=True)
class StagedLoad:
    """Staged rows, which `connection` shows in SCHEMA, and dlt's id of the load."""

    connection: duckdb.DuckDBPyConnection
    load_id: str


@contextmanager
def turn(cache: Path, source: str, table: Table, window: Window | None, waiting: Callable[[], None]) -> Iterator[bool]:
    """Be the only one that loads this table, or this partition of it; yields whether another was waited for.

    Waits as long as the other works, whose lock ends with its process. Meanwhile `waiting` is called every half second: what it
    raises ends the wait.
    """

    def goes_on() -> bool:
        waiting()
        return False

    lock = _lock(_folder(cache, source, table, window))
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        lock.acquire(timeout=-1, poll_interval=_ASKED_EVERY, cancel_check=goes_on)
    try:
        yield waited
    finally:
        lock.release()


@contextmanager
def staged(cache: Path, source: str, table: Table, extract: Extract, window: Window | None) -> Iterator[StagedLoad]:
    """Draw the extract and stage it. Raises what the extract raises, dlt's error, or RefusedError while another run loads it.

    Who may have to wait for another run takes its `turn` first, and asks upstream inside.
    """
    require_same_tables(source, table, extract)
    with workplace(cache, source, table, [window]) as (folder, connection):
        package = packed(folder, f"{source}__{table.name}", extract.batches, connection)
        allow_memory(connection, package.bytes_at_once)
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for landed, query in package.queries.items():
            connection.execute(f"CREATE VIEW {SCHEMA}.{quoted(landed)} AS {query}")
        stage_surviving(connection, source, table, extract)
        yield StagedLoad(connection, package.load_id)


def require_same_tables(source: str, table: Table, extract: Extract) -> None:
    """Raise RefusedError where an extract has other tables than are declared."""
    missing = table.physical.keys() ^ extract.batches.keys()
    if missing:
        raise RefusedError(
            f"{table_name(source, table.name)}: the extract and the declaration differ in tables: {', '.join(sorted(missing))}"
        )


@contextmanager
def workplace(
    cache: Path, source: str, table: Table, windows: Sequence[Window | None]
) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """A folder for dlt, empty before and after, and a database in memory, while no other loads one of these `windows`.

    Raises RefusedError while another does.
    """
    folder = _folder(cache, source, table, windows[0])
    try:
        with ExitStack() as stack:
            for window in windows:
                stack.enter_context(_lock(_folder(cache, source, table, window)).acquire(timeout=0))
            connection = stack.enter_context(duckdb.connect())
            shutil.rmtree(folder, ignore_errors=True)
            connection.execute("SET TimeZone = 'UTC'")  # a date begins at midnight UTC, wherever this runs
            connection.execute("SET temp_directory = ?", [str(folder / "spilled")])
            allow_memory(connection, 0)
            connection.execute("SET threads = 1")
            connection.execute("SET parquet_metadata_cache = true")
            connection.execute("SET preserve_insertion_order = false")  # keeping it would hold a large load in memory
            yield folder, connection
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise RefusedError(
            f"{table_name(source, table.name)}: another run is loading it now; run again when that one is done"
        ) from None


def allow_memory(connection: duckdb.DuckDBPyConnection, bytes_at_once: int) -> None:
    """Limit DuckDB's memory: more where the rows that are read at a time (`bytes_at_once`) take more, up to a gigabyte."""
    enough = max(_MEMORY, min(_OFTEN * bytes_at_once, _MORE_MEMORY))
    connection.execute(f"SET memory_limit = '{max(enough, min(_READ_AT_ONCE * bytes_at_once, _MOST_MEMORY))}B'")


def _folder(cache: Path, source: str, table: Table, window: Window | None) -> Path:
    name = f"{source}__{table.name}"
    return cache / "dlt" / (f"{name}__{window.key.replace(':', '')}" if window else name)


def _lock(folder: Path) -> FileLock:
    """The lock of a table or partition; re-entrant within a thread, and gone with its process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{folder}.lock", is_singleton=True)


def stage_surviving(connection: duckdb.DuckDBPyConnection, source: str, table: Table, extract: Extract) -> None:
    """The surviving keys, in full: an empty set of them is an error, for it would delete every row."""
    if extract.surviving is None:
        return
    rows = 0
    for number, batch in enumerate(extract.surviving):
        connection.register("surviving_batch", batch)
        keys = ", ".join(quoted(name) for name in table.primary_key)
        verb = f"INSERT INTO {SURVIVING}" if number else f"CREATE TABLE {SURVIVING} AS"
        connection.execute(f"{verb} SELECT {keys} FROM surviving_batch")
        connection.unregister("surviving_batch")
        rows += batch.num_rows
    if not rows:
        raise RefusedError(f"{table_name(source, table.name)}: upstream names no surviving row; that would delete them all")


def put_over(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Have the staged `name` show what `query` makes of it, which reads as `{before}` what it showed until now.

    Nothing is written for it, however many rows came: a value is taken for none, or a row left out, whenever it is read.
    """
    views = "SELECT count(*) FROM duckdb_views() WHERE database_name || '.' || schema_name = ? AND starts_with(view_name, ?)"
    (place,) = connection.execute(views, [SCHEMA, f"{name} before "]).fetchone() or (0,)
    before = f"{name} before {place}"
    connection.execute(f"ALTER VIEW {SCHEMA}.{quoted(name)} RENAME TO {quoted(before)}")
    connection.execute(f"CREATE VIEW {SCHEMA}.{quoted(name)} AS {query.replace('{before}', f'{SCHEMA}.{quoted(before)}')}")
