"""The lakehouse: a load is staged, judged and moved as on one machine, on a bench in memory, and then committed to Iceberg.

Parent, children and the record of the load are one transaction of the catalogue's database. Whoever dies before it leaves the
old rows, and files that nothing points at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

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
from oso_dagster.domain.coverage import published
from oso_dagster.domain.objectives.published import TABLES
from oso_dagster.warehouse import guards, staging
from oso_dagster.warehouse.embedded import publishing
from oso_dagster.warehouse.embedded.one_load import publish_staged
from oso_dagster.warehouse.embedded.warehouse import WorldMismatchError
from oso_dagster.warehouse.judged import judged
from oso_dagster.warehouse.lakehouse import landing, records
from oso_dagster.warehouse.lakehouse.bench import close_bench, open_bench, put_records, put_table
from oso_dagster.warehouse.lakehouse.catalogue import LakeCatalogue, open_catalogue
from oso_dagster.warehouse.lakehouse.columns import PROPERTIES, iceberg_schema
from oso_dagster.warehouse.lakehouse.locks import advisory
from oso_dagster.warehouse.lakehouse.reading import LakeReader
from oso_dagster.warehouse.staged_together import staged_together

_PLATFORM = "platform"


class LakehouseWarehouse:
    """The tables of the catalogue at the database `url`, new ones below `store`; they belong to one `world`.

    `cache` is a folder that may be deleted at any time; `clock` says the time, with its zone.
    """

    def __init__(
        self, url: str, store: str, *, world: str, cache: Path, lock_timeout_seconds: float, clock: Callable[[], datetime]
    ) -> None:
        self._url = url
        self._store = store
        self._world = world
        self._cache = cache
        self._timeout = lock_timeout_seconds
        self._clock = clock

    @cached_property
    def _catalogue(self) -> LakeCatalogue:
        catalogue = open_catalogue(self._url, self._store)
        stored = records.prepare(catalogue.engine, self._world)
        if stored != self._world:
            raise WorldMismatchError(f"the lakehouse holds data of the world {stored!r}, not {self._world!r}")
        return catalogue

    def lock(self) -> AbstractContextManager[None]:
        """Be the only one that prepares declared tables or SQLMesh's state; loads have locks of their own."""
        return advisory(self._catalogue.engine, "the lakehouse", self._timeout)

    @contextmanager
    def held(self, sources: Sequence[Source], *others: Path) -> Iterator[None]:  # noqa: ARG002  (files are another warehouse's)
        """Have the declared tables there. Nobody is kept out: a reader of Iceberg sees the table as it was when it began."""
        self.ensure_tables(sources)
        yield

    @contextmanager
    def read(self) -> Iterator[LakeReader]:
        """A reader in DuckDB's SQL that needs no Trino."""
        with duckdb.connect() as connection:
            yield LakeReader(connection, self._catalogue)

    def copy(self, target: Path) -> None:
        """Copy all published tables to a DuckDB file."""
        raise NotImplementedError(f"{target.name}: no copy of a lakehouse fits into a file: read its consumer's Trino")

    def ensure_tables(self, sources: Sequence[Source]) -> None:
        """Create every declared table that does not exist, empty, and declared columns that one lacks: SQLMesh needs them."""
        with self.lock():
            for source in sources:
                self._catalogue.create_namespace_if_not_exists(source.name)
                for table in source.tables:
                    landing.create_missing(self._catalogue, source, table)
            self._catalogue.create_namespace_if_not_exists(_PLATFORM)
            for name, columns in ((published.NAME, published.COLUMNS), *((each.name, each.columns) for each in TABLES)):
                self._catalogue.create_table_if_not_exists((_PLATFORM, name), iceberg_schema(columns), properties=PROPERTIES)

    def last_load(self, source: str, table: str, partition: str | None = None) -> LoadRecord | None:
        """The newest published load of a table (of one partition of it), or None."""
        return self.last_loads(source, table, [partition]).get(partition)

    def last_loads(self, source: str, table: str, partitions: Sequence[str | None]) -> dict[str | None, LoadRecord]:
        """The newest published load of each of these partitions that was loaded; None stands for the whole table."""
        with self._of_records([(source, table)]) as connection:
            return publishing.last_loads(connection, source, table, partitions)

    def kept_loads(
        self, source: Source, table: Table, partitions: Sequence[str | None]
    ) -> tuple[dict[str | None, LoadRecord], tuple[DifferentRows, ...]]:
        """The newest published load of each of these partitions. Rows that Trino changed by hand are not looked for."""
        return self.last_loads(source.name, table.name, partitions), ()

    def recorded_loads(
        self,
        load_ids: Collection[str] = (),
        tables: Sequence[tuple[Source, Table]] = (),  # noqa: ARG002
    ) -> dict[tuple[str, str], RecordedLoads]:
        """What there are records of, by source and table. Rows that Trino changed by hand are not looked for."""
        with self._of_records(None) as connection:
            return publishing.recorded_loads(connection, load_ids, ())

    def table_rows(self, source: str, table: str) -> int:
        """How many rows a table has."""
        stored = self._catalogue.table_or_none(source, table)
        return stored.scan().count() if stored is not None else 0

    def turn(
        self, source: Source, table: Table, window: Window | None, waiting: Callable[[], None]
    ) -> AbstractContextManager[bool]:
        """Be the only one on this machine that loads a table or partition; whether another was waited for."""
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
        with staging.staged(self._cache, source.name, table, extract, window) as arrival:
            return self._publish(source, table, extract, arrival, fingerprint, window, allow_shrink=allow_shrink)

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
        with staged_together(self._cache, source.name, table, extracts) as package:
            for number, (window, extract) in enumerate(extracts):
                outcome: Loaded | RefusedError
                try:
                    with package.staged(number) as arrival:
                        outcome = self._publish(source, table, extract, arrival, fingerprint, window, allow_shrink=allow_shrink)
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
        with advisory(self._catalogue.engine, f"{_PLATFORM}.{name}", self._timeout):
            self._catalogue.create_namespace_if_not_exists(_PLATFORM)
            stored = self._catalogue.create_table_if_not_exists(
                (_PLATFORM, name), iceberg_schema(columns), properties=PROPERTIES | {"comment": description}
            )
            landing.replace_rows(stored, pa.table({column.name: rows[column.name] for column in columns}))

    def _publish(
        self,
        source: Source,
        table: Table,
        extract: Extract,
        arrival: staging.StagedLoad,
        fingerprint: str,
        window: Window | None,
        *,
        allow_shrink: bool,
    ) -> Loaded:
        """Judge and move what is staged on a bench that has the stored rows; then commit what came of it."""
        catalogue, connection, where = self._catalogue, arrival.connection, (source.name, table.name)
        with advisory(catalogue.engine, ".".join(where), self._timeout):
            catalogue.create_namespace_if_not_exists(source.name)
            landing.create_missing(catalogue, source, table)
            open_bench(connection)
            try:
                put_records(connection, records.of_tables(catalogue.engine, [where]))
                before = put_table(connection, catalogue, source, table, window)
                loaded = publish_staged(
                    source, table, extract, arrival, fingerprint, window, now=self._clock(), allow_shrink=allow_shrink
                )
                with catalogue.together(lambda transaction: records.add(transaction, loaded.record)):
                    landing.land(connection, catalogue, source, table, window, before, loaded.record)
            finally:
                close_bench(connection, staging.DATABASE)
            return replace(loaded, table_rows=self.table_rows(*where))

    @contextmanager
    def _of_records(self, tables: Sequence[tuple[str, str]] | None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database in memory that has nothing but the records of loads."""
        with duckdb.connect() as connection:
            open_bench(connection)
            put_records(connection, records.of_tables(self._catalogue.engine, tables))
            yield connection
