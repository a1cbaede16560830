"""The embedded warehouse: one DuckDB file, one writer at a time, readers that never see half a load.

A load goes: lock, stage with dlt into a schema of its own, hold the staged rows against the guards, publish parent and
children in one transaction together with the record of the load. Whoever dies in between leaves the old rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from oso_dagster.domain.loading import Extract, Facts, Loaded, LoadRecord, RefusedError
from oso_dagster.domain.partitions import Window
from oso_dagster.domain.source import Source, Table
from oso_dagster.warehouse import guards, publishing, staging
from oso_dagster.warehouse.lock import hold


class WorldMismatchError(Exception):
    """The file holds the data of another world."""


class DuckDBWarehouse:
    """The DuckDB file at `path`, which belongs to one `world`; `cache` is a folder that may be deleted at any time."""

    def __init__(self, path: Path, *, world: str, cache: Path, lock_timeout_seconds: float) -> None:
        self._path = path
        self._world = world
        self._cache = cache
        self._timeout = lock_timeout_seconds

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, waiting for the one before."""
        with hold(self._path, self._timeout):
            yield

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection; waits while a writer has the file. Raises FileNotFoundError before the first load."""
        if not self._path.exists():
            raise FileNotFoundError(f"{self._path.name} does not exist yet: nothing has been loaded into this world")
        with self._connect(read_only=True) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The lock and a connection. Raises WorldMismatchError when the file is of another world."""
        with self.lock(), self._connect(read_only=False) as connection:
            publishing.prepare(connection)
            stored = publishing.claim_world(connection, self._world)
            if stored != self._world:
                raise WorldMismatchError(
                    f"{self._path.name} holds data of the world {stored!r}, not {self._world!r}: set OSO_HOME apart"
                )
            yield connection

    def ensure_tables(self, sources: Sequence[Source]) -> None:
        """Create every declared table that does not exist, empty, with its comments: SQLMesh needs them before its first plan."""
        with self.write() as connection:
            for source in sources:
                for table in source.tables:
                    publishing.create_tables(connection, source.name, table)

    def last_load(self, source: str, table: str, partition: str | None = None) -> LoadRecord | None:
        """The newest published load of a table (of one partition of it), or None."""
        if not self._path.exists():
            return None
        with self._connect(read_only=True) as connection:
            return publishing.last_load(connection, source, table, partition)

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
        with staging.prepared(self._cache, source.name, table, extract, window) as package, self.write() as connection:
            schema = package.land(connection)
            before = publishing.last_load(connection, source.name, table.name, window.key if window else None)
            rows = guards.count(connection, schema, table)
            findings = guards.judge(connection, schema, source.name, table, rows, before, allow_shrink=allow_shrink)
            failed = [finding for finding in findings if not finding.passed]
            if failed:
                connection.execute(f"DROP SCHEMA {schema} CASCADE")
                raise RefusedError("; ".join(finding.message for finding in failed), findings)
            record = LoadRecord(
                load_id=package.load_id,
                source=source.name,
                table=table.name,
                partition=window.key if window else None,
                version=extract.version,
                fingerprint=fingerprint,
                rows=rows,
                loaded_at=datetime.now(UTC),
                facts=_plain(extract.facts),
            )
            new_columns = publishing.publish(connection, schema, table, record, window)
            return Loaded(record, findings, new_columns)

    @contextmanager
    def _connect(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file, waiting while another process, or a connection of the other kind here, has it open."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        attempts = Retrying(
            retry=retry_if_exception(_is_busy),
            stop=stop_after_delay(self._timeout),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            reraise=True,
        )
        connection = attempts(duckdb.connect, str(self._path), read_only=read_only)
        try:
            yield connection
        finally:
            connection.close()


def _is_busy(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, duckdb.Error) and ("Could not set lock" in text or "different configuration" in text)


def _plain(facts: Mapping[str, object]) -> Facts:
    """The facts as JSON would give them back, so that a record read later equals the one that was written."""
    plain: Facts = json.loads(json.dumps(facts, default=str))
    return plain
