"""Read-only copies of the warehouse, so that readers and the writer never wait for each other.

DuckDB lets either one process write a file or many read it. So the file is copied while nobody writes (its lock is held for the
copy alone), everything that is not published is dropped from the copy, and the copy is opened for reading. A new one takes its
place when the warehouse has changed; the old one goes with its last query.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from sqlglot import exp, parse_one

from oso_dagster.serving.failures import Outcome, RefusedError

_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
"""No file, no address, no extension, and no variable of this process is ever read by a query."""


class Snapshot:
    """One open copy; `made_at` is when it was taken."""

    def __init__(self, path: Path, made_at: datetime, memory: str, threads: int) -> None:
        spill = path.parent / "spill"
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(spill),
            "max_temp_directory_size": "20GB",
        }
        self.made_at = made_at
        self._path = path
        self._connection = duckdb.connect(str(path), read_only=True, config=_CLOSED | options)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'; SET lock_configuration = true")
        self.users = 0
        self.replaced = False

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one query."""
        return self._connection.cursor()

    def remove(self) -> None:
        """Close it and delete its files."""
        self._connection.close()
        shutil.rmtree(self._path.parent)


class Snapshots:
    """The newest copy, and how it is renewed. `copy(target)` copies the warehouse to a path while nobody writes.

    `stamp()` says whether the warehouse has changed; None: there is none yet. `published` are the full names that may be read.
    `name` is the stem that the warehouse's views know it by.
    """

    def __init__(
        self,
        folder: Path,
        copy: Callable[[Path], object],
        stamp: Callable[[], object | None],
        published: Collection[str],
        *,
        name: str = "warehouse",
        memory: str = "1GB",
        threads: int = 2,
    ) -> None:
        self._folder = folder
        self._copy = copy
        self._stamp = stamp
        self._published = frozenset(published)
        self._name = name
        self._memory = memory
        self._threads = threads
        self._lock = threading.Lock()
        self._current: Snapshot | None = None
        self._stamped: object | None = None
        self._made = 0

    def refresh(self) -> bool:
        """Take a new copy if the warehouse has changed since the last one; whether it was. One thread at a time."""
        stamp = self._stamp()
        if stamp is None or stamp == self._stamped:
            return False
        folder = self._folder / f"{self._made}"
        if folder.exists():
            shutil.rmtree(folder)  # of a process that was killed
        folder.mkdir(parents=True)
        path = folder / f"{self._name}.duckdb"
        made_at = datetime.now(UTC)
        self._copy(path)
        keep_published(path, self._published)
        fresh = Snapshot(path, made_at, self._memory, self._threads)
        self._made += 1
        self._stamped = stamp
        with self._lock:
            old, self._current = self._current, fresh
            if old is not None:
                old.replaced = True
                if not old.users:
                    old.remove()
        return True

    @property
    def made_at(self) -> datetime | None:
        """When the newest copy was taken."""
        return self._current.made_at if self._current else None

    @contextmanager
    def borrowed(self) -> Iterator[Snapshot]:
        """The newest copy, which stays until the block ends. Raises RefusedError before the first one."""
        with self._lock:
            if self._current is None:
                raise RefusedError("there is no data yet: nothing was loaded into this world", Outcome.OVERLOAD, retry_after=30)
            taken = self._current
            taken.users += 1
        try:
            yield taken
        finally:
            with self._lock:
                taken.users -= 1
                if taken.replaced and not taken.users:
                    taken.remove()

    def close(self) -> None:
        """Remove the newest copy; nothing may be running."""
        with self._lock:
            if self._current is not None:
                self._current.remove()
                self._current = None


def keep_published(path: Path, published: Collection[str]) -> None:
    """Drop from the DuckDB file at `path` every table and view but the `published` ones and what these are made of."""
    with duckdb.connect(str(path)) as connection:
        views = {
            (schema, name): sql
            for schema, name, sql in connection.execute(
                "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        }
        tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
        there = {*views, *tables}
        kept: set[tuple[str, str]] = set()
        waiting = [full for full in there if ".".join(full) in published]
        while waiting:
            full = waiting.pop()
            if full in kept:
                continue
            kept.add(full)
            if full in views:
                waiting.extend(part for part in _parts(views[full]) if part in there)
        for schema, name in there - kept:
            kind = "VIEW" if (schema, name) in views else "TABLE"
            connection.execute(f"DROP {kind} {_quoted(schema)}.{_quoted(name)} CASCADE")
        connection.execute("CHECKPOINT")


def _parts(view: str) -> list[tuple[str, str]]:
    """The tables and views that a view reads, as schema and name."""
    return [(table.db, table.name) for table in parse_one(view, dialect="duckdb").expression.find_all(exp.Table)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
