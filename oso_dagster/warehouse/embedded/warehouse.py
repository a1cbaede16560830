"""The embedded warehouse: one DuckDB file, one writer at a time, readers that never see half a load.

A load goes: stage with dlt in a database in memory, lock, hold the staged rows against the guards, publish parent and
children in one transaction together with the record of the load. Whoever dies in between leaves the old rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from oso_dagster.domain.catalogue.loading import (
    DifferentRows,
    Extract,
    Finding,
    Loaded,
    LoadRecord,
    RecordedLoads,
    RefusedError,
)
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Column, Source, Table
from oso_dagster.warehouse import guards, staging
from oso_dagster.warehouse.ddl import literal, quoted
from oso_dagster.warehouse.embedded import platform_tables, publishing
from oso_dagster.warehouse.embedded.added_columns import add_declared_columns
from oso_dagster.warehouse.embedded.copying import copy_file
from oso_dagster.warehouse.embedded.one_load import publish_staged
from oso_dagster.warehouse.embedded.opening import kept_open, patiently
from oso_dagster.warehouse.embedded.row_counts import different_rows
from oso_dagster.warehouse.embedded.writer_lock import hold
from oso_dagster.warehouse.judged import judged
from oso_dagster.warehouse.staged_together import staged_together


class WorldMismatchError(Exception):
    """The file holds the data of another world."""


class DuckDBWarehouse:
    """The DuckDB file at `path`, which belongs to one `world`; `cache` is a folder that may be deleted at any time.

    `clock` says the time, with its zone: a load is judged and dated once its rows have come, which may be long after it began.
    """

    def __init__(
        self, path: Path, *, world: str, cache: Path, lock_timeout_seconds: float, clock: Callable[[], datetime]
    ) -> None:
        self._path = path
        self._world = world
        self._cache = cache
        self._timeout = lock_timeout_seconds
        self._clock = clock

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, waiting for the one before."""
        with hold(self._path, self._timeout):
            yield

    @contextmanager
    def held(self, sources: Sequence[Source], *others: Path) -> Iterator[None]:
        """Be the only one with the file, from the preparation of the declared tables to the end: what SQLMesh works inside.

        Readers of the platform wait for the lock; outside ones are waited for. `others` are DuckDB files that are held as well
        where they exist. Raises LockTimeoutError, which names who has a file.
        """
        with self.lock(), ExitStack() as stack:
            self.ensure_tables(sources)
            for path in (self._path, *(path for path in others if path.exists())):
                stack.enter_context(kept_open(path, self._timeout))
            yield

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, held apart from writers by their lock. Raises FileNotFoundError before the first load."""
        if not self._path.exists():
            raise FileNotFoundError(f"{self._path.name} does not exist yet: nothing has been loaded into this world")
        with self._reader() as connection:
            yield connection

    @contextmanager
    def write(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Be the only writer, with the warehouse attached to `connection` (one in memory) as its current database.

        Raises WorldMismatchError when the file is of another world.
        """
        name = quoted(self._path.stem)  # the name that SQLMesh's views use, which is the file's stem
        with self.lock():
            patiently(self._path, self._timeout, connection.execute, f"ATTACH {literal(str(self._path))} AS {name}")
            try:
                connection.execute(f"USE {name}")
                publishing.prepare(connection)
                self._require_world(publishing.claim_world(connection, self._world))
                yield
            finally:
                connection.execute(f"USE {staging.DATABASE}")
                connection.execute(f"DETACH {name}")

    def ensure_tables(self, sources: Sequence[Source]) -> None:
        """Create every declared table that does not exist, empty, and declared columns that a table lacks: SQLMesh needs them.

        Comments are renewed.
        """
        with duckdb.connect() as connection, self.write(connection):
            for source in sources:
                for table in source.tables:
                    publishing.create_tables(connection, source.name, table)
                    add_declared_columns(connection, source.name, table)
            publishing.renew_comments(connection, sources)

    def copy(self, target: Path) -> None:
        """Copy the file to `target` while nobody writes, with the log that a killed writer has left. Raises LockTimeoutError."""
        with self.lock():
            copy_file(self._path, target)

    def last_load(self, source: str, table: str, partition: str | None = None) -> LoadRecord | None:
        """The newest published load of a table (of one partition of it), or None."""
        return self.last_loads(source, table, [partition]).get(partition)

    def kept_loads(
        self, source: Source, table: Table, partitions: Sequence[str | None]
    ) -> tuple[dict[str | None, LoadRecord], tuple[DifferentRows, ...]]:
        """The newest published load of each of these partitions, and what of the table has other rows than its records say."""
        if not self._path.exists():
            return {}, ()
        with self._reader() as connection:
            records = publishing.last_loads(connection, source.name, table.name, partitions)
            differing = different_rows(connection, [(source, table)]) if records else {}
            return records, differing.get((source.name, table.name), ())

    def last_loads(self, source: str, table: str, partitions: Sequence[str | None]) -> dict[str | None, LoadRecord]:
        """The newest published load of each of these partitions that was loaded; None stands for the whole table."""
        if not self._path.exists():
            return {}
        with self._reader() as connection:
            return publishing.last_loads(connection, source, table, partitions)

    def recorded_loads(
        self, load_ids: Collection[str] = (), tables: Sequence[tuple[Source, Table]] = ()
    ) -> dict[tuple[str, str], RecordedLoads]:
        """What there are records of, by source and table; nothing where the file does not exist. Raises LockTimeoutError."""
        if not self._path.exists():
            return {}
        with self._reader() as connection:
            return publishing.recorded_loads(connection, load_ids, tables)

    def table_rows(self, source: str, table: str) -> int:
        """How many rows a table has."""
        with self.read() as connection:
            return publishing.table_rows(connection, source, table)

    def turn(
        self, source: Source, table: Table, window: Window | None, waiting: Callable[[], None]
    ) -> AbstractContextManager[bool]:
        """Be the only one that loads a table or partition; whether another was waited for. See `staging.turn`."""
        return staging.turn(self._cache, source.name, table, window, waiting)

    def load(
        self,
        source: Source,
        table: Table,
        extract: Extract,
        *,
        fingerprint: str,
        window: Window | None = None,
        allow_shrink: bool = False,
    ) -> Loaded:
        """Stage, judge and publish one extract. Raises RefusedError, and then nothing that a reader sees has changed."""
        with staging.staged(self._cache, source.name, table, extract, window) as arrival, self.write(arrival.connection):
            return publish_staged(
                source, table, extract, arrival, fingerprint, window, now=self._clock(), allow_shrink=allow_shrink
            )

    def load_together(
        self,
        source: Source,
        table: Table,
        extracts: Sequence[tuple[Window, Extract]],
        *,
        fingerprint: str,
        allow_shrink: bool = False,
    ) -> Generator[Loaded | RefusedError, None, None]:
        """Stage drawn extracts of several partitions in one go; then judge and publish each by itself, as `load` does."""
        with (
            staged_together(self._cache, source.name, table, extracts) as package,
            self.write(package.connection),
        ):
            for number, (window, extract) in enumerate(extracts):
                outcome: Loaded | RefusedError
                try:
                    with package.staged(number) as arrival:
                        outcome = publish_staged(
                            source, table, extract, arrival, fingerprint, window, now=self._clock(), allow_shrink=allow_shrink
                        )
                except RefusedError as refusal:
                    outcome = refusal
                yield outcome

    def trial(
        self, source: Source, table: Table, extract: Extract, window: Window | None = None
    ) -> tuple[dict[str, int], list[Finding]]:
        """Stage and judge one extract as `load` does, and throw it away: rows by landed table, and the findings of the guards."""
        with staging.staged(self._cache, source.name, table, extract, window) as arrival:
            context = guards.LoadContext(self._clock(), window, allow_shrink=True)
            rows, _, findings = judged(source, table, extract, arrival, context)
            return rows, findings

    def replace_platform_table(
        self, name: str, description: str, columns: Sequence[Column], rows: Mapping[str, list[object]]
    ) -> None:
        """Put `rows`, a list per column, in place of what `platform.<name>` had: readers see the old ones or the new ones."""
        with duckdb.connect() as connection, self.write(connection):
            platform_tables.replace_table(connection, name, description, columns, rows)

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.lock():
            connection = patiently(self._path, self._timeout, duckdb.connect, str(self._path), read_only=True)
            try:
                yield connection
            finally:
                connection.close()

    def _require_world(self, stored: str) -> None:
        if stored != self._world:
            raise WorldMismatchError(
                f"{self._path.name} holds data of the world {stored!r}, not {self._world!r}: set OSO_HOME apart"
            )
